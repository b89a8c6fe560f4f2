# What resizes a raw file resizes the same filesystem in a VHDX, and on a block device within its size.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need_root
need qemu-img losetup cmp

case $RESIZE in
*/checked-resize2fs) skip "needs ext4resize" ;;
esac

make_raw old.raw 300M -b 4096 -d "$TESTS/cli"
qemu-img convert -O vhdx -o block_size=1M old.raw old.vhdx
for size in 500M 200M -M; do
    cp old.raw a.raw
    cp old.vhdx a.vhdx
    case $size in
    -M) resize -M a.raw && resize -M a.vhdx ;;
    *) resize a.raw "$size" && resize a.vhdx "$size" ;;
    esac
    qemu-img check -q a.vhdx || fail "qemu-img check after $size"
    to_raw a.vhdx b.raw
    fsck_clean b.raw
    expect_blocks b.raw "$(superblock a.raw 'Block count')"
    debugfs -R "rdump / ." b.raw >/dev/null 2>&1
    diff -r "$TESTS/cli" . | grep -v '^Only in \.' >different || true
    expect_empty different
    rm -r ./*.sh lost+found
done

truncate -s 500M old.raw
device=$(losetup -f --show old.raw 2>/dev/null) || skip "needs loop devices"
at_exit 'losetup -d "$device" 2>/dev/null || true'
resize "$device"
fsck_clean "$device"
expect_blocks "$device" 128000
resize "$device" 100M
fsck_clean "$device"
expect_blocks "$device" 25600
expect_status 1 "$RESIZE" "$device" 600M
fsck_clean "$device"
[ "$(stat -c %s old.raw)" = $((500 << 20)) ] || fail "the device's file was cut"
