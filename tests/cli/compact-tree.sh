# A filesystem that the kernel filled and emptied has the same tree after compacting, down to
# nanoseconds and extended attributes, and the kernel goes on using it.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/expand-tree.sh"
. "$TESTS/support/half-deleted.sh"
need setfattr setfacl jq
need_mount
cd "$MEMORY"

truncate -s 4G old.raw
mkfs.ext4 -q -G 4096 old.raw
mount_raw old.raw old
mkdir old/gone
for i in $(seq 200); do
    head -c $((i * 1000)) /dev/urandom >"old/gone/$i"
done
make_odd_tree old
truncate -s 30M old/hole
cp -r old/gone old/half
rm -r old/gone old/half/*[13579]
tree_fingerprint old >before-tree
umount old
to_vhdx old.raw a.vhdx
for option in '' --deep --zeros; do
    expect_status 0 "$VHDTOOL" compact -q a.vhdx $option
    check_vhdx a.vhdx
    mount_raw judged.raw new ro
    tree_fingerprint new >after-tree
    umount new
    cmp before-tree after-tree || fail "another tree after compact $option"
done
mount_raw judged.raw new
cp -r old/. new/old 2>/dev/null || true
cp -r /usr/include/linux new/more
rm -r new/half
umount new
fsck_clean judged.raw
