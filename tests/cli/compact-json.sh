# --json prints one line an image with the fields that are promised; -q prints nothing.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq
cd "$MEMORY"

make_half_deleted a.raw 100M
to_vhdx a.raw a.vhdx
for option in --dry-run -v ''; do
    expect_status 0 "$VHDTOOL" compact --json a.vhdx $option
    [ "$option" = -v ] || expect_empty stderr
    [ "$(wc -l <stdout)" = 1 ] || fail "one line expected: $(cat stdout)"
    expect_json '.path == "a.vhdx" and (.dry_run | type) == "boolean" and .file_size_exact'
    expect_json '[.given_back, .bytes_written, .seconds] | all(type == "number" and . >= 0)'
    expect_json '[.before, .after] |
        all((keys_unsorted | sort) == ["file_size", "filesystem_size", "virtual_size"])'
    expect_json '.given_back == .before.file_size - .after.file_size'
done
expect_status 0 "$VHDTOOL" compact -q a.vhdx
expect_empty stdout stderr
