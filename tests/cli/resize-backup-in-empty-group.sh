# The last group gets a backup of the superblock, and nothing was ever written there: its bitmap follows from the
# tables in it, which leave it for a group below.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"

make_raw small.raw 24M -b 1024 -O sparse_super2,^has_journal -G 1 -N 2000
resize small.raw 90M
for size in 30000K 38000K 70000K 80000K; do
    cp small.raw a.raw
    resize a.raw "$size"
    fsck_clean a.raw
    last=$(dumpe2fs a.raw 2>/dev/null | grep -A 5 '^Group' | tail -n 5)
    grep -q 'Backup superblock' <<<"$last" || fail "no backup: $last"
    grep -q 'Inode table at .*bg #0' <<<"$last" || fail "the tables are still there: $last"
done
