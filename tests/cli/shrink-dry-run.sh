# --dry-run writes nothing, and what it predicts comes true: the sizes are the same, the file isn't
# larger than said.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq sha256sum
cd "$MEMORY"

make_half_deleted base.raw 400M
to_vhdx base.raw base.vhdx
for image in base.raw base.vhdx; do
    for size in 399M 200M 60M min; do
        cp --sparse=always $image a
        sha256sum a >before
        expect_status 0 "$VHDTOOL" shrink --dry-run a $size
        expect_in stdout 'would be shrunk'
        expect_status 0 "$VHDTOOL" shrink --dry-run --json a $size
        sha256sum --quiet -c before || fail "--dry-run changed the file"
        mv stdout planned
        expect_status 0 "$VHDTOOL" shrink --json a $size
        jq -se '.[0].before == .[1].before and
            (.[0].after | del(.file_size)) == (.[1].after | del(.file_size)) and
            .[0].after.file_size >= .[1].after.file_size and
            (.[0].file_size_exact == false or .[0].after == .[1].after)' planned stdout >/dev/null ||
            fail "planned $(cat planned), done $(cat stdout)"
    done
done
