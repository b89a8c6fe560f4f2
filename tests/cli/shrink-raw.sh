# A raw image's file gets as long as its disk; nothing is left beside it.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq
cd "$MEMORY"
mkdir alone

make_half_deleted alone/a.raw 400M
files_of alone/a.raw >before
expect_status 0 "$VHDTOOL" shrink --json alone/a.raw -300M
expect_json '.after == {virtual_size: 104857600, file_size: 104857600, filesystem_size: 104857600}'
[ "$(stat -c %s alone/a.raw)" = 104857600 ] || fail "the file has $(stat -c %s alone/a.raw) bytes"
fsck_clean alone/a.raw
files_of alone/a.raw | cmp - before || fail "other files"
# Not in whole blocks: the disk takes the size, the filesystem what fits.
expect_status 0 "$VHDTOOL" shrink --json alone/a.raw 83887000
expect_json '.after == {virtual_size: 83887104, file_size: 83887104, filesystem_size: 83886080}'
fsck_clean alone/a.raw
files_of alone/a.raw | cmp - before || fail "other files the second time"
[ "$(ls alone)" = a.raw ] || fail "something was left: $(ls alone)"
