# With SOURCE_DATE_EPOCH, the same command makes the same bytes, and another one other ids.
. "$TESTS/support/lib.sh"
need jq cmp

mkdir tree
echo contents >tree/file
export SOURCE_DATE_EPOCH=1700000000
"$VHDTOOL" create -q one.vhdx 64M --from tree
sleep 1.1
"$VHDTOOL" create -q two.vhdx 64M --from tree
cmp one.vhdx two.vhdx || fail "the images differ"
"$VHDTOOL" create -q three.vhdx 65M --from tree
"$VHDTOOL" info --json one.vhdx three.vhdx >ids
[ "$(jq -r '.id, .filesystem.uuid' ids | sort -u | wc -l)" = 4 ] || fail "ids repeat: $(cat ids)"
