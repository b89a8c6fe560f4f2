# What can't be read is named, and no image is left.
. "$TESTS/support/lib.sh"

mkdir -p tree
echo file >tree/file
expect_status 1 "$VHDTOOL" create a.vhdx 64M --from tree/file
expect_in stderr 'tree/file: Not a directory'
expect_status 1 "$VHDTOOL" create a.vhdx 64M --from tree/nothing
expect_in stderr 'tree/nothing: No such file'
[ ! -e a.vhdx ] || fail "an image was made"
[ "$(id -u)" != 0 ] || exit 0
chmod 0 tree/file
expect_status 1 "$VHDTOOL" create a.vhdx 64M --from tree
expect_in stderr 'tree/file: Permission denied'
