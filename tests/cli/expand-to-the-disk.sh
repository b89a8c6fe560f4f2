# Without SIZE the filesystem grows to the disk's size, which stays. When it has that already
# nothing is written, and the report says so.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mke2fs qemu-img jq sha256sum

truncate -s 64M a.raw
mke2fs -q -t ext4 a.raw 16M
qemu-img convert -O vhdx a.raw a.vhdx
expect_status 0 "$VHDTOOL" expand --json a.vhdx
expect_json '.before.filesystem_size == 16*1048576 and .after.filesystem_size == 64*1048576'
expect_json '.after.virtual_size == 64*1048576'
to_raw a.vhdx after.raw
fsck_clean after.raw

sha256sum a.vhdx >before
for size in '' 64M +0; do
    expect_status 0 "$VHDTOOL" expand a.vhdx ${size:+"$size"}
    expect_in stdout 'that size already'
    expect_status 0 "$VHDTOOL" expand --json a.vhdx ${size:+"$size"}
    expect_json '.bytes_written == 0 and .before == .after'
    sha256sum --quiet -c before || fail "the file was changed"
done
