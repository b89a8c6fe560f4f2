# A raw image whose expansion was killed at any system call that counts can be looked at, which
# changes nothing, and expanded again: e2fsck finds nothing, and the tree is there.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mkfs.ext4 debugfs strace sha256sum
need_plain_program

mkdir tree
seq 20000 >tree/numbers
truncate -s 16M first.raw
mkfs.ext4 -q -d tree first.raw
strace -o trace "$VHDTOOL" expand -q first.raw 16M || skip "needs a strace that works"

pending=0
for call in fdatasync fsync ftruncate unlink pwrite64; do
    for count in 1 2 3 4 5 6 7 8 12 16; do
        cp first.raw a.raw
        status=0
        strace -f -o trace -e inject=$call:signal=KILL:when=$count \
            "$VHDTOOL" expand a.raw 300M >stdout 2>stderr || status=$?
        [ "$status" != 0 ] || break
        [ "$status" = 137 ] || fail "status $status, killed at $call $count: $(cat stderr)"
        sha256sum a.raw* >before
        "$VHDTOOL" info --json a.raw >stdout || fail "not to be read after $call $count"
        sha256sum --quiet -c before || fail "info changed something after $call $count"
        ! grep -q '"log":"dirty"' stdout || {
            pending=$((pending + 1))
            grep -q '"virtual_size":314572800,' stdout || fail "pending, and the old size"
        }
        # A journal that doesn't belong to the image is never used: here, to the old one.
        if grep -q '"log":"dirty"' stdout && [ "$pending" = 1 ]; then
            cp first.raw b.raw
            cp a.raw.vhdtool-journal b.raw.vhdtool-journal
            sha256sum b.raw* >before
            expect_status 3 "$VHDTOOL" expand b.raw 400M
            expect_in stderr "journal .*b.raw.vhdtool-journal.*doesn't fit.*untouched"
            expect_in stderr 'remove it if'
            expect_status 3 "$VHDTOOL" info b.raw
            sha256sum --quiet -c before || fail "the image or the journal was changed"
            rm b.raw.vhdtool-journal
            expect_status 0 "$VHDTOOL" expand b.raw 400M
            fsck_clean b.raw
        fi
        expect_status 0 "$VHDTOOL" expand a.raw 350M
        fsck_clean a.raw
        debugfs -R 'cat numbers' a.raw 2>/dev/null | cmp - tree/numbers || fail "another file"
        [ "$(echo a.raw*)" = a.raw ] || fail "the journal was left after $call $count"
    done
done
[ "$pending" -gt 2 ] || fail "a journal was pending only $pending times"
