# SIGINT and SIGTERM, whenever they come, leave a valid filesystem, of which the message tells the truth.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mkfs.ext4 timeout
cd "$MEMORY"

truncate -s 200M old
mkfs.ext4 -q -F -b 1024 old
dd if=/dev/urandom of=noise bs=1M count=60 status=none
debugfs -w -f - old >/dev/null 2>&1 <<'WORDS'
write noise first
write noise second
rm first
WORDS
for delay in 0.003 0.01 0.03 0.1 0.2; do
    for signal in INT TERM; do
        cp --sparse=always old a
        status=0
        timeout --preserve-status -s $signal $delay "$EXT4RESIZE" a 80M >stdout 2>stderr || status=$?
        # Before the first write, a signal simply ends the program.
        case $status:$(blocks_of a):$(cat stderr) in
        0:81920:*) ;;
        1:204800:*untouched* | 1:204800:*old\ size* | 130:204800:* | 143:204800:*) ;;
        *) fail "status $status, $(blocks_of a) blocks: $(cat stderr)" ;;
        esac
        "$EXT4RESIZE" a 80M >stdout 2>stderr || fail "not after $signal at $delay: $(cat stderr)"
        fsck_clean a
        debugfs -R "dump second found" a 2>/dev/null
        cmp noise found
    done
done
