# The old contents of what is overwritten are durable in the undo file before the image changes.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mkfs.ext4 debugfs strace
need_plain_program

truncate -s 200M a
mkfs.ext4 -q -F -b 1024 a
dd if=/dev/urandom of=noise bs=1M count=30 status=none
debugfs -w -f - a >/dev/null 2>&1 <<'WORDS'
write noise first
write noise second
rm first
WORDS
strace -y -s 0 -o calls -e trace=pwrite64,ftruncate,fallocate,fdatasync,fsync \
    "$EXT4RESIZE" -z undo a 45M >/dev/null 2>strace.log || skip "needs strace: $(tail -n 1 strace.log)"
awk '
    /^[a-z0-9]*\([0-9]*<[^>]*\/undo[^>\/]*>/ {
        saving += !/sync/
        if (/sync/)
            saving = 0
        next
    }
    /^(pwrite64|ftruncate|fallocate)\([0-9]*<[^>]*\/a>/ {
        changes++
        if (saving)
            print "before its old contents were durable: " $0
    }
    END { if (changes < 30) print changes + 0 " changes" }' calls >wrong
expect_empty wrong
