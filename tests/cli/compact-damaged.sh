# A filesystem with errors, and one whose bitmaps have as free what a file holds, is refused, and the
# image is left alone.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq sha256sum
cd "$MEMORY"

# check SENTENCE REQUEST...: of debugfs.
check() {
    local sentence=$1 request

    shift
    cp --sparse=always base.raw a.raw
    for request in "$@"; do
        debugfs -w -R "$request" a.raw >/dev/null 2>&1
    done
    to_vhdx a.raw a.vhdx
    sha256sum a.vhdx >before
    for option in '' --deep --zeros --dry-run; do
        expect_status 3 "$VHDTOOL" compact a.vhdx $option
        expect_in stderr "^vhdtool: a.vhdx: .*$sentence.*; the image is untouched"
        expect_in stderr 'e2fsck'
        expect_empty stdout
    done
    "$VHDTOOL" info --json a.vhdx >stdout || fail "info fails"
    sha256sum --quiet -c before || fail "the file was changed"
}

make_half_deleted base.raw 100M
block=$(debugfs -R 'bmap folder/file40 3' base.raw 2>/dev/null)
check 'errors' 'ssv state 2'
check 'not unmounted' 'ssv state 0'
check '' "freeb $block"
check '' 'clri folder'
