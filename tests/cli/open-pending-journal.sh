# A change of a raw image that was committed and then cut off is finished before anything else, whatever becomes of
# the command: refused, it leaves a whole image all the same; an undo file leads back to that.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need strace e2undo
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # leaks are found by tracing, which a traced program can't

# cut_off COUNT: a.raw, killed at that write.
cut_off() {
    rm -f a.raw*
    cp first.raw a.raw
    ! strace -qq -o killed -e trace=pwrite64 -e inject=pwrite64:signal=KILL:when="$1" \
        "$RESIZE" a.raw 200M >/dev/null 2>&1 || fail "not killed"
    [ -e a.raw.vhdtool-journal ] || fail "no journal is there"
}

make_raw first.raw 100M -b 1024
cp first.raw a.raw
strace -qq -o calls -e trace=pwrite64 "$RESIZE" a.raw 200M >/dev/null 2>&1
mark=$(grep -n '= 512$' calls | head -n 1 | cut -d : -f 1)
[ -n "$mark" ] || fail "no mark was written"
cut_off $((mark + 2))
! e2fsck -fn a.raw >/dev/null 2>&1 || fail "nothing is left to finish"

# pending: b.raw, cut off.
pending() {
    rm -f b.raw*
    cp a.raw b.raw
    cp a.raw.vhdtool-journal b.raw.vhdtool-journal
}

# expect_finished BLOCKS
expect_finished() {
    [ ! -e b.raw.vhdtool-journal ] || fail "the journal is still there"
    fsck_clean b.raw
    expect_blocks b.raw "$1"
}

# refused COMMAND...
refused() {
    pending
    expect_status 1 "$@"
    ! grep -q untouched stderr || fail "untouched: $(cat stderr)"
    expect_finished 204800
}

refused "$RESIZE" b.raw 100K
refused "$VHDTOOL" shrink b.raw 100K
refused "$VHDTOOL" expand b.raw 100M
refused "$VHDTOOL" compact b.raw

for command in "$RESIZE --dry-run b.raw 300M" "$RESIZE -P b.raw" "$VHDTOOL info b.raw" "$VHDTOOL shrink --dry-run b.raw 100M"; do
    pending
    sha256sum b.raw* >before
    # shellcheck disable=SC2086
    expect_status 0 $command
    sha256sum --quiet -c before || fail "changed by: $command"
done

pending
resize -z undo b.raw 80M
expect_finished 81920
e2undo undo b.raw >/dev/null 2>&1 || fail "e2undo"
expect_finished 204800

# Before the mark nothing was committed: the journal alone goes.
cut_off "$mark"
for command in "$RESIZE b.raw 100K" "$RESIZE b.raw 100M" "$VHDTOOL shrink b.raw 100K" "$VHDTOOL compact b.raw"; do
    pending
    cp b.raw old
    # shellcheck disable=SC2086
    $command >stdout 2>stderr || true
    expect_finished 102400
    cmp -n "$((100 << 20))" old b.raw || fail "changed by: $command"
done
