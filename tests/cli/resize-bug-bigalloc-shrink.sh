# A filesystem of clusters that shrinks has its free counts right, and its files.
# resize2fs 1.47.0: leaves wrong free counts.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"

while read -r old new words; do
    # shellcheck disable=SC2086 # words of a command line
    make_raw a.raw "$old" -O bigalloc $words -d "$TESTS/cli"
    resize a.raw "$new"
    fsck_clean a.raw
    debugfs -R "rdump / ." a.raw >/dev/null 2>&1
    diff -r "$TESTS/cli" . | grep -v '^Only in \.' >different || true
    expect_empty different
    rm -r ./*
done <<'STEPS'
300M 200M -b 4096
3G 2222M -b 4096
256M 128M -b 1024 -C 16384
333M 100M -b 1024 -C 8192
STEPS
