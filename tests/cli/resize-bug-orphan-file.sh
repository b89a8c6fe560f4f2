# An orphan file whose blocks have to move stays valid: the checksums of its blocks depend on where
# these lie.
# resize2fs 1.47.0: moves the blocks as they are, and e2fsck finds the orphan file corrupt.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need_mount

make_raw a.raw 64M -b 1024
mount_raw a.raw tree
fill_up tree
read -r start length < <(last_extent tree/wall/0)
fallocate -p -o "${start}KiB" -l "${length}KiB" tree/wall/0
umount tree
tune2fs -O orphan_file a.raw >/dev/null
debugfs -w -R "rm wall/0" a.raw >/dev/null 2>&1
e2fsck -fy a.raw >/dev/null 2>&1 || [ $? = 1 ]
place=$(debugfs -R "blocks <$(superblock a.raw 'Orphan file inode')>" a.raw 2>/dev/null)
[ "${place%% *}" -gt 50000 ] || fail "the orphan file lies at ${place%% *}, and needn't move"

resize a.raw 25M
fsck_clean a.raw
mount_raw a.raw tree
touch tree/file
umount tree
fsck_clean a.raw
