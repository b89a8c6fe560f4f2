# shellcheck shell=bash
# For tests that grow a filesystem which the kernel filled: sourced after lib.sh.

# expand_tree OLD NEW MOST LAST: a filesystem of OLD, as WSL makes it, with all kinds of files in it,
# grows to NEW; the file by MOST bytes at most; LAST is its last group then.
expand_tree() {
    local size_before growth

    need qemu-img vhdiinfo setfattr setfacl dumpe2fs
    need_mount
    truncate -s "$1" old.raw
    mkfs.ext4 -q -G 4096 old.raw
    mkdir old new
    mount_raw old.raw old discard
    make_odd_tree old
    tree_fingerprint old >before
    umount old
    qemu-img convert -O vhdx -o block_size=1M old.raw image.vhdx
    size_before=$(stat -c %s image.vhdx)

    "$VHDTOOL" expand -q image.vhdx "$2"

    growth=$(($(stat -c %s image.vhdx) - size_before))
    [ "$growth" -le "$3" ] || fail "the file grew by $growth bytes"
    qemu-img check -q image.vhdx
    vhdiinfo image.vhdx >/dev/null || fail "vhdiinfo"
    to_raw image.vhdx new.raw
    fsck_clean new.raw
    nothing_to_zero old.raw new.raw "$4"
    mount_raw new.raw new
    tree_fingerprint new >after
    cmp before after || fail "another tree"
}

make_odd_tree() {
    cp -a /usr/include/linux "$1/"
    mkdir "$1/many"
    seq -f "$1/many/file%g" 3000 | xargs touch -d '2020-02-02 02:02:02.123456789'
    setfattr -n user.colour -v green "$1/many/file1"
    setfacl -m u:daemon:r "$1/many/file2"
    ln "$1/many/file3" "$1/hard"
    ln -s /nowhere/at/all "$1/soft"
    mknod "$1/device" c 1 3
    mkfifo "$1/pipe"
    truncate -s 5G "$1/hole"
    chown 70000:80000 "$1/many/file4"
}

# nothing_to_zero OLD NEW LAST: the groups that NEW has and OLD hasn't are marked as zeroed.
nothing_to_zero() {
    local groups

    groups=$(dumpe2fs "$1" 2>/dev/null | grep -c '^Group ')
    dumpe2fs "$2" 2>/dev/null | awk -v old="$groups" -v last="$3" '
        /^Group [0-9]+:/ { group = $2 + 0; if (group >= old && !/ITABLE_ZEROED/) bad++ }
        END { exit group != last || bad }' || fail "groups are left for the kernel to zero"
}
