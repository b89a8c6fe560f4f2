# With --punch, a raw image gets holes where the filesystem uses nothing: the file keeps its length and
# its files, and takes up less, by the figure that is reported and that a dry run had foretold.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq cmp
cd "$MEMORY"

make_half_deleted made.raw 300M
cat made.raw >a.raw # without holes
files_of a.raw >before
stored=$(stat -c '%b * %B' a.raw)
expect_status 0 "$VHDTOOL" info --json a.raw
expect_json '.reclaimable_size == null'
expect_status 0 "$VHDTOOL" compact --punch --dry-run --json a.raw
given_back=$(jq .given_back stdout)
[ "$((stored))" = "$(($(stat -c '%b * %B' a.raw)))" ] || fail "the dry run changed the file"
expect_status 0 "$VHDTOOL" compact --punch --json a.raw
expect_json ".given_back == $given_back and .given_back > 250000000"
expect_json '.before.file_size == 314572800 and .after.file_size == 314572800'
now=$(stat -c '%b * %B' a.raw)
[ $((stored - now)) = "$given_back" ] || fail "it gave back $((stored - now)) bytes, not $given_back"
fsck_clean a.raw
files_of a.raw | cmp - before || fail "other files"
expect_status 0 "$VHDTOOL" compact --punch a.raw
expect_in stdout '^a.raw: nothing to give back'
[ "$(ls a.raw*)" = a.raw ] || fail "something was left: $(ls a.raw*)"
