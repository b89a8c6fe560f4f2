# Of a disk on which there is no ext4, or signs of something else besides, blocks of zeros alone are
# given back, and that is said; every byte reads as before.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq qemu-io sfdisk mkswap
cd "$MEMORY"

# check NAME SENTENCE: NAME.raw, with 8 MiB of zeros that are stored.
check() {
    to_vhdx "$1.raw" "$1.vhdx"
    qemu-io -f vhdx -c 'write -P 7 40M 8M' -c 'write -P 0 40M 8M' "$1.vhdx" >/dev/null
    rm -f before.raw after.raw
    to_raw "$1.vhdx" before.raw
    expect_status 0 "$VHDTOOL" info --json "$1.vhdx"
    expect_json '.reclaimable_size == null'
    expect_status 0 "$VHDTOOL" compact "$1.vhdx"
    expect_in stdout "^  filesystem $2: blocks of zeros alone are given back"
    expect_in stdout '^  given back [0-9]+ MiB'
    qemu-img check -q "$1.vhdx" || fail "qemu-img finds fault"
    to_raw "$1.vhdx" after.raw
    cmp before.raw after.raw || fail "$1: the contents changed"
}

head -c 30M /dev/urandom >noise
truncate -s 64M none.raw swap.raw parts.raw
dd if=noise of=none.raw bs=1M seek=3 conv=notrunc status=none
mkswap swap.raw >/dev/null 2>&1
dd if=noise of=swap.raw bs=1M seek=3 conv=notrunc status=none
echo '2048,' | sfdisk -q --label gpt parts.raw
dd if=noise of=parts.raw bs=1M seek=3 conv=notrunc status=none
make_half_deleted stale.raw 64M
rm stale.raw
truncate -s 64M stale.raw
mke2fs -q -t ext4 stale.raw
echo '2048,' | sfdisk -q --label gpt --wipe never stale.raw
dd if=noise of=stale.raw bs=1M seek=3 conv=notrunc status=none
check none 'none'
check swap 'no ext2, ext3 or ext4 \(swap\)'
check parts 'no ext2, ext3 or ext4 \(gpt partition table\)'
check stale 'no ext2, ext3 or ext4 \(.*\)'
