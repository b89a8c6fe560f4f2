# The only group needs no spare room: a filesystem becomes as small as what is in it, and says so.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"

make_raw a.raw 5M -b 4096 -N 16 -O ^has_journal,^resize_inode
least=$(minimum a.raw)
[ "$least" -lt 50 ] || fail "the minimum is $least blocks"
cp a.raw before.raw
expect_status 1 "$RESIZE" a.raw "$((least - 1))"
expect_in stderr "New size smaller than minimum \($least\)"
cmp a.raw before.raw
resize -M a.raw
fsck_clean a.raw
expect_blocks a.raw "$least"
