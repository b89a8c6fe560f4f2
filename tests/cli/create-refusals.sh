# What create refuses or can't do leaves no file, and an existing one as it was.
. "$TESTS/support/lib.sh"

echo precious >there.vhdx
expect_status 3 "$VHDTOOL" create there.vhdx 1G
expect_in stderr '^vhdtool: there.vhdx: .*exists'
expect_status 3 "$VHDTOOL" create --dry-run there.vhdx 1G
[ "$(cat there.vhdx)" = precious ] || fail "the file was overwritten"

expect_status 3 "$VHDTOOL" create a.vhd 1G
expect_status 1 "$VHDTOOL" create nowhere/a.vhdx 1G
expect_in stderr 'no image was made'
expect_status 1 "$VHDTOOL" create a.vhdx 1G --from nowhere
expect_in stderr 'nowhere'
mkdir tree
head -c 3000000 /dev/urandom >tree/file
expect_status 3 "$VHDTOOL" create a.vhdx 2M --from tree
expect_in stderr 'no image was made'
[ "$(ls -A)" = "stderr
stdout
there.vhdx
tree" ] || fail "something is left: $(ls -A)"
