# A VHDX of 256 GiB that was in use for long gives back what a dry run and info foretell; packed, its
# file has at most 3 % more than what the filesystem's files take up. The files are the same.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
. "$TESTS/support/filled-image.sh"
need jq qemu-img vhdiinfo
need_mount
cd "$TMPDIR" # too large for memory

image=$(grown_image "$(dirname "$VHDTOOL")")

# compact_and_judge OPTION...
compact_and_judge() {
    local foretold

    foretold=$("$VHDTOOL" compact --json --dry-run "$@" a.vhdx | jq .given_back)
    "$VHDTOOL" compact --json "$@" a.vhdx >report
    [ "$(jq .given_back report)" = "$foretold" ] || fail "$foretold bytes were foretold: $(cat report)"
    [ "$(stat -c %s a.vhdx)" = "$(jq .after.file_size report)" ] || fail "the file has another size"
    qemu-img check -q a.vhdx || fail "qemu-img check finds faults"
    vhdiinfo a.vhdx >/dev/null || fail "vhdiinfo can't read it"
    cp a.vhdx again.vhdx
    "$VHDTOOL" compact -q "$@" again.vhdx
    cmp a.vhdx again.vhdx || fail "the second time wrote"
    rm again.vhdx
    qemu-img convert -O raw a.vhdx a.raw
    fsck_clean a.raw
    mount_raw a.raw tree ro
    "$TESTS/support/tree-fingerprint.py" tree >after
    umount tree
    cmp "${image%.vhdx}.raw.tree" after || fail "another tree"
}

cp "$image" a.vhdx
[ "$("$VHDTOOL" info --json a.vhdx | jq .reclaimable_size)" = \
    "$("$VHDTOOL" compact --json --dry-run a.vhdx | jq .given_back)" ] || fail "info says something else"
compact_and_judge
compact_and_judge --deep
used=$(($(superblock a.raw 'Block count') - $(superblock a.raw 'Free blocks') - $(superblock a.raw 'Overhead clusters')))
[ "$(stat -c %s a.vhdx)" -le $((used * 4096 / 100 * 103 + (8 << 20))) ] ||
    fail "$(stat -c %s a.vhdx) bytes for $used blocks"
