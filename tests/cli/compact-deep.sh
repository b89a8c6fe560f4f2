# --deep moves files together within the filesystem, and gives back more: little is left of blocks
# that are used in part.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq
cd "$MEMORY"

make_half_deleted a.raw 300M
to_vhdx a.raw a.vhdx
files_of a.raw >before
expect_status 0 "$VHDTOOL" compact --json a.vhdx
plain=$(jq .after.file_size stdout)
expect_status 0 "$VHDTOOL" compact --json --deep a.vhdx
expect_json ".after.file_size <= $plain - 4194304"
expect_json '.after.filesystem_size == 314572800'
check_vhdx a.vhdx
cmp before judged || fail "other files"
