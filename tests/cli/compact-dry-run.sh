# --dry-run writes nothing, and what it says would be given back is given back; with --deep it says
# that it is about as much. info says the same of what compact gives back without options.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq sha256sum
cd "$MEMORY"

make_half_deleted a.raw 300M
for option in '' --zeros --deep; do
    to_vhdx a.raw a.vhdx
    sha256sum a.vhdx >before
    expect_status 0 "$VHDTOOL" info --json a.vhdx
    [ -n "$option" ] || reclaimable=$(jq .reclaimable_size stdout)
    expect_status 0 "$VHDTOOL" compact --dry-run a.vhdx $option
    expect_in stdout 'would be compacted'
    expect_in stdout "given back $([ "$option" != --deep ] || echo 'about ')[0-9]"
    expect_status 0 "$VHDTOOL" compact --dry-run --json a.vhdx $option
    expect_json '.dry_run and .given_back > 11000000'
    expect_json ".file_size_exact == $([ "$option" = --deep ] && echo false || echo true)"
    sha256sum --quiet -c before || fail "the dry run wrote"
    mv stdout planned
    expect_status 0 "$VHDTOOL" compact --json a.vhdx $option
    expect_json '.file_size_exact'
    jq -se '.[0].given_back == .[1].given_back and .[0].before == .[1].before and
        .[0].after == .[1].after' planned stdout >/dev/null ||
        fail "$option: planned $(cat planned), done $(cat stdout)"
    [ -n "$option" ] || expect_json ".given_back == $reclaimable"
done
expect_status 0 "$VHDTOOL" info --json a.vhdx
expect_json '.reclaimable_size == 0'
