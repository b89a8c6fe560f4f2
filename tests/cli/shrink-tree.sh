# A filesystem that the kernel filled has the same tree after shrinking to the minimum, down to
# nanoseconds and extended attributes, and the kernel goes on using it after it has grown again.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/expand-tree.sh"
. "$TESTS/support/half-deleted.sh"
need setfattr setfacl
need_mount
cd "$MEMORY"

truncate -s 8G old.raw
mkfs.ext4 -q -G 4096 old.raw
mount_raw old.raw old
make_odd_tree old
truncate -s 30M old/hole
tree_fingerprint old >before-tree
umount old
to_vhdx old.raw a.vhdx
expect_status 0 "$VHDTOOL" shrink -q a.vhdx min
check_vhdx a.vhdx
mount_raw judged.raw new ro
tree_fingerprint new >after-tree
umount new
cmp before-tree after-tree || fail "another tree"
expect_status 0 "$VHDTOOL" expand -q a.vhdx 8G
check_vhdx a.vhdx
mount_raw judged.raw new
tree_fingerprint new >after-tree
cmp before-tree after-tree || fail "another tree after growing again"
cp -r /usr/include/linux new/more
umount new
fsck_clean judged.raw
