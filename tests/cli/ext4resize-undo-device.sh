# A block device, whose blocks hold something where the filesystem grows to, is restored to the byte.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need_root
need mkfs.ext4 e2undo losetup cmp

truncate -s 200M old
mkfs.ext4 -q -F old 50M
dd if=/dev/urandom of=old bs=1M seek=50 count=150 conv=notrunc status=none
cp old a
device=$(losetup -f --show a 2>/dev/null) || skip "needs loop devices"
at_exit 'losetup -d "$device"'
expect_status 0 "$EXT4RESIZE" -z undo "$device"
fsck_clean "$device"
[ "$(blocks_of "$device")" = 204800 ] || [ "$(blocks_of "$device")" = 51200 ] || fail "not its size"
e2undo undo "$device" >/dev/null 2>&1 || fail "e2undo"
cmp old "$device"
