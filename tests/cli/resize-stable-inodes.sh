# Where inodes must keep their numbers, the minimum is what holds the last of them.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need_mount

make_raw a.raw 64M -b 1024 -O stable_inodes
mkdir tree
mount -o loop a.raw tree
for i in $(seq 20); do mkdir "tree/$i"; done
stat -c '%i %n' tree/[0-9]* | sort -n | tail -n 12 | cut -d ' ' -f 2 | xargs rmdir
last=$(stat -c %i tree/* | sort -n | tail -n 1)
umount tree
groups=$(((last - 1) / $(superblock a.raw 'Inodes per group') + 1))
[ "$groups" -gt 1 ] || fail "all inodes are in the first group"
least=$(minimum a.raw)
cp a.raw before.raw
expect_status 1 "$RESIZE" a.raw 3M
expect_in stderr "smaller than minimum \($least\)"
cmp a.raw before.raw
resize -M a.raw
fsck_clean a.raw
expect_blocks a.raw "$least"
[ "$(dumpe2fs a.raw 2>/dev/null | grep -c '^Group [0-9]')" = "$groups" ] || fail "more groups than $groups"
[ "$(minimum a.raw)" = "$least" ] || fail "the minimum changed"
