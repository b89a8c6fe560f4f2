# -q silences all but errors, and a result that doesn't arrive is one.
. "$TESTS/support/lib.sh"

expect_status 0 "$VHDTOOL" create -q a.vhdx 5M
expect_empty stdout stderr
expect_status 0 "$VHDTOOL" info -q a.vhdx
expect_empty stdout stderr
expect_status 1 "$VHDTOOL" info -q missing.vhdx
expect_in stderr '^vhdtool: missing.vhdx: '
expect_status 0 "$VHDTOOL" info a.vhdx
expect_in stdout 'virtual size +5 MiB'
expect_empty stderr
[ -c /dev/full ] || exit 0
"$VHDTOOL" info a.vhdx >/dev/full 2>stderr && fail "a full disk goes unnoticed"
expect_in stderr '^vhdtool: .*standard output'
