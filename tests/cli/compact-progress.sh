# Progress of compacting and shrinking goes to stderr when it is asked for.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq
cd "$MEMORY"

make_half_deleted a.raw 300M
to_vhdx a.raw a.vhdx
for command in 'compact --deep a.vhdx' 'shrink a.vhdx min'; do
    # shellcheck disable=SC2086
    expect_status 0 "$VHDTOOL" $command --progress=json --json
    [ -s stderr ] || fail "no progress of: $command"
    jq -es 'all(.path == "a.vhdx" and .done >= 0 and .seconds >= 0 and (.phase | length) > 0)' stderr >/dev/null ||
        fail "progress is: $(cat stderr)"
    jq -es 'length == 1' stdout >/dev/null || fail "stdout is: $(cat stdout)"
done
