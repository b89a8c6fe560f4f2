# Extended attributes that ext4 has no room for are an error that names the file.
. "$TESTS/support/lib.sh"
need setfattr

mkdir tree
touch tree/laden
setfattr -n user.large -v "$(printf 'x%.0s' $(seq 2000))" tree/laden 2>/dev/null ||
    skip "needs a host with large extended attributes"
"$VHDTOOL" create -q large-blocks.vhdx 1G --from tree
expect_status 3 "$VHDTOOL" create small-blocks.vhdx 64M --from tree
expect_in stderr 'laden.*1024 bytes'
[ ! -e small-blocks.vhdx ] || fail "an image was made"
