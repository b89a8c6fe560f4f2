# -q prints nothing, but errors.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"

"$VHDTOOL" create -q a.vhdx 64M --ext4
expect_status 0 "$VHDTOOL" expand -q a.vhdx 80M
expect_empty stdout stderr
expect_status 0 "$VHDTOOL" expand -q a.vhdx
expect_empty stdout stderr
expect_status 3 "$VHDTOOL" expand -q a.vhdx 16M
expect_empty stdout
expect_in stderr '^vhdtool: a.vhdx: '
