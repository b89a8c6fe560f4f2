# A run that was killed when its change was committed and not yet applied is finished by the same command, though
# the size is already what was asked for.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need strace

make_raw a.raw 100M -b 1024
cp a.raw b.raw
strace -qq -o calls -e trace=pwrite64 "$RESIZE" b.raw 200M >/dev/null 2>&1
mark=$(grep -n '= 512$' calls | head -n 1 | cut -d : -f 1)
[ -n "$mark" ] || fail "no mark was written"
pending=0
for at in $(seq "$((mark + 1))" "$(wc -l <calls)"); do
    cp a.raw b.raw
    ! strace -qq -o killed -e trace=pwrite64 -e inject=pwrite64:signal=KILL:when="$at" \
        "$RESIZE" b.raw 200M >/dev/null 2>&1 || fail "not killed at write $at"
    [ ! -e b.raw.vhdtool-journal ] || pending=$((pending + 1))
    resize b.raw 200M
    [ ! -e b.raw.vhdtool-journal ] || fail "killed at write $at, the journal is still there"
    fsck_clean b.raw
    expect_blocks b.raw 204800
done
[ "$pending" -gt 0 ] || fail "nothing was left to finish"
