# A disk that holds another filesystem, partitions or nothing grows alone, and the report says so;
# its bytes stay. Without SIZE there is nothing that could grow: refused.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need qemu-img jq sfdisk mkswap sha256sum

# check NAME WORD: NAME.raw is on the disk.
check() {
    qemu-img convert -O vhdx "$1.raw" "$1.vhdx"
    sha256sum "$1.vhdx" >before
    expect_status 3 "$VHDTOOL" expand "$1.vhdx"
    expect_in stderr 'no ext2, ext3 or ext4'
    sha256sum --quiet -c before || fail "the file was changed"
    expect_status 0 "$VHDTOOL" expand "$1.vhdx" 40M
    expect_in stdout "$2.*the disk alone grows"
    expect_status 0 "$VHDTOOL" expand --json "$1.vhdx" 48M
    expect_json '.before.filesystem_size == null and .after.filesystem_size == null'
    expect_json '.before.virtual_size == 40*1048576 and .after.virtual_size == 48*1048576'
    qemu-img check -q "$1.vhdx" || fail "qemu-img finds fault"
    to_raw "$1.vhdx" after.raw
    cmp -n $((32 << 20)) "$1.raw" after.raw || fail "the contents changed"
}

truncate -s 32M none.raw swap.raw parts.raw
mkswap -q swap.raw 2>/dev/null || mkswap swap.raw >/dev/null
echo '2048,' | sfdisk -q --label gpt parts.raw
check none 'none'
check swap 'no ext2, ext3 or ext4 \(swap\)'
check parts 'gpt partition table'
