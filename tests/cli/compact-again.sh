# Where there is nothing to give back, that is said, and nothing is written.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq
cd "$MEMORY"

make_half_deleted a.raw 300M
to_vhdx a.raw a.vhdx
for option in '' --deep --zeros; do
    "$VHDTOOL" compact -q a.vhdx $option
    cp a.vhdx once.vhdx
    expect_status 0 "$VHDTOOL" compact --json a.vhdx $option
    expect_json '.given_back == 0 and .bytes_written == 0'
    expect_status 0 "$VHDTOOL" compact a.vhdx $option
    expect_in stdout '^a.vhdx: nothing to give back$'
    cmp a.vhdx once.vhdx || fail "the second time with \"$option\" wrote"
done
