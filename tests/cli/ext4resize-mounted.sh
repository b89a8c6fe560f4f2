# A mounted filesystem is refused, with the remedy, by its device and by its file; -P answers all
# the same. Afterwards it can be resized.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need_mount

truncate -s 100M a
mkfs.ext4 -q -F a 50M
device=$(losetup -f --show a)
at_exit 'losetup -d "$device" 2>/dev/null || true'
mkdir tree
mount "$device" tree
at_exit 'umount tree 2>/dev/null || true'
expect_status 1 "$EXT4RESIZE" "$device"
expect_in stderr "^ext4resize: $device: the filesystem is mounted on .*/tree .*untouched\$"
expect_in stderr '^unmount it'
expect_status 1 "$EXT4RESIZE" a 100M
expect_in stderr '^ext4resize: a: .*(mounted on|in use).*untouched$'
expect_status 0 "$EXT4RESIZE" -P "$device"
expect_in stdout '^Estimated minimum size of the filesystem: [0-9]+$'
umount tree
expect_status 0 "$EXT4RESIZE" "$device"
fsck_clean "$device"
