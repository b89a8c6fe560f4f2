# --json prints one line with the fields that are promised, and its sizes are the file's.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need jq dumpe2fs

"$VHDTOOL" create -q a.vhdx 64M --ext4
before=$(stat -c %s a.vhdx)
expect_status 0 "$VHDTOOL" expand --json a.vhdx 1G
expect_empty stderr
[ "$(wc -l <stdout)" = 1 ] || fail "one line expected: $(cat stdout)"
expect_json '.path == "a.vhdx"'
expect_json '.before.virtual_size == 67108864 and .after.virtual_size == 1073741824'
expect_json ".before.file_size == $before and .after.file_size == $(stat -c %s a.vhdx)"
expect_json '(.bytes_written | type) == "number" and .bytes_written > 0'
expect_json '(.seconds | type) == "number" and .seconds >= 0'
expect_json '.before.filesystem_size == 67108864'
cp stdout report
to_raw a.vhdx a.raw
size=$(LC_ALL=C dumpe2fs -h a.raw 2>/dev/null | awk '/^Block count/ { n = $3 } /^Block size/ { s = $3 } END { print n * s }')
[ "$(jq .after.filesystem_size report)" = "$size" ] || fail "the filesystem has $size bytes"
