# shellcheck shell=bash
# For tests that grow many kinds of ext4: sourced after lib.sh.

# expand_layout OLD NEW MKE2FS-WORDS...: makes the filesystem in a VHDX, expands it, and has QEMU
# and e2fsck judge. What mke2fs doesn't make is passed over.
expand_layout() {
    local old=$1 new=$2 folder

    shift 2
    need qemu-img mke2fs e2fsck
    folder=$(mktemp -d)
    truncate -s "$old" "$folder/old.raw"
    if mke2fs -q -F -t ext4 "$@" "$folder/old.raw" >/dev/null 2>&1; then
        qemu-img convert -O vhdx -o block_size=1M "$folder/old.raw" "$folder/image.vhdx"
        "$VHDTOOL" expand -q "$folder/image.vhdx" "$new" || fail "expand $old $new: $*"
        qemu-img check -q "$folder/image.vhdx" || fail "qemu-img check $old $new: $*"
        to_raw "$folder/image.vhdx" "$folder/new.raw"
        (cd "$folder" && fsck_clean new.raw) || fail "e2fsck $old $new: $*"
        layouts_grown=$((${layouts_grown:-0} + 1))
    fi
    rm -r "$folder"
}
