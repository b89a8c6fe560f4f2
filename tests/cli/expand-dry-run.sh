# --dry-run writes nothing, and what it predicts comes true: the sizes are the same, the file
# isn't larger than said.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need jq sha256sum
# In memory where that is there: it is the syncs that take time here.
if scratch=$(mktemp -d /dev/shm/vhdtool-test.XXXXXX 2>/dev/null); then
    at_exit 'rm -rf "$scratch"'
    cd "$scratch"
fi

for options in '--ext4' ''; do
    for size in 65M 1000M 70G 200G; do
        rm -f a.vhdx
        # shellcheck disable=SC2086
        "$VHDTOOL" create -q a.vhdx 64M $options
        sha256sum a.vhdx >before
        expect_status 0 "$VHDTOOL" expand --dry-run a.vhdx $size
        expect_in stdout 'would be expanded'
        expect_status 0 "$VHDTOOL" expand --dry-run --json a.vhdx $size
        sha256sum --quiet -c before || fail "--dry-run changed the file"
        mv stdout planned
        expect_status 0 "$VHDTOOL" expand --json a.vhdx $size
        jq -se '.[0].before == .[1].before and
            (.[0].after | del(.file_size)) == (.[1].after | del(.file_size)) and
            .[0].after.file_size >= .[1].after.file_size' planned stdout >/dev/null ||
            fail "planned $(cat planned), done $(cat stdout)"
    done
done
