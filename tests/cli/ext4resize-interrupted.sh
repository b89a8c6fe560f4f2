# SIGINT and SIGTERM while blocks move leave a valid filesystem of the old size, and say so; the same command goes on.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mkfs.ext4 strace
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # leaks are found by tracing, which a traced program can't
cd "$MEMORY"

truncate -s 200M old
mkfs.ext4 -q -F -b 1024 old
dd if=/dev/urandom of=noise bs=1M count=60 status=none
debugfs -w -f - old >/dev/null 2>&1 <<'WORDS'
write noise first
write noise second
rm first
WORDS
cp --sparse=always old a
strace -qq -o calls -e trace=pwrite64 "$EXT4RESIZE" a 80M >/dev/null 2>&1
writes=$(wc -l <calls)
for at in 1 2 $((writes / 4)) $((writes / 2)) $((writes * 3 / 4)); do
    for signal in INT TERM; do
        cp --sparse=always old a
        status=0
        strace -qq -o calls -e trace=pwrite64 -e inject=pwrite64:signal=$signal:when="$at" \
            "$EXT4RESIZE" a 80M >stdout 2>stderr || status=$?
        [ "$status:$(blocks_of a)" = 1:204800 ] || fail "status $status, $(blocks_of a) blocks: $(cat stderr)"
        expect_in stderr 'interrupted by a signal; .*valid and has its old size'
        fsck_clean a
        "$EXT4RESIZE" a 80M >stdout 2>stderr || fail "not after $signal at write $at: $(cat stderr)"
        [ "$(blocks_of a)" = 81920 ] || fail "$(blocks_of a) blocks"
        fsck_clean a
        debugfs -R "dump second found" a 2>/dev/null
        cmp noise found
    done
done
