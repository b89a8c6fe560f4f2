# A run that was killed when its change was committed and not yet applied is finished by the same command, though
# the size is already what was asked for. The copies of superblock and descriptors tell of it then, too.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need strace
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # leaks are found by tracing, which a traced program can't

# geometry FILE SUPERBLOCK: the size and all tables, as debugfs finds them from there on.
geometry() {
    debugfs -c -b 1024 -s "$2" -R stats "$1" 2>/dev/null |
        grep -E '^(Block|Inode) count|block bitmap at'
}

# expect_good_copies FILE: they tell of the same geometry.
expect_good_copies() {
    local copy

    geometry "$1" 1 >first
    for copy in $(dumpe2fs "$1" 2>/dev/null | sed -n 's/.*Backup superblock at \([0-9]*\),.*/\1/p'); do
        geometry "$1" "$copy" >copy
        diff first copy >&2 || fail "$1: copy $copy is stale"
    done
}

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
    expect_good_copies b.raw
done
[ "$pending" -gt 0 ] || fail "nothing was left to finish"
