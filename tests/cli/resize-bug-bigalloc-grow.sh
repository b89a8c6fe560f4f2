# A filesystem of clusters that grows to a last group that isn't whole, or from one, has its free
# counts right.
# resize2fs 1.47.0: counts of blocks and clusters are mixed up whenever the last group isn't whole.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"

while read -r old new words; do
    # shellcheck disable=SC2086 # words of a command line
    make_raw a.raw "$old" -O bigalloc $words
    resize a.raw "$new"
    fsck_clean a.raw
    [ "$(($(superblock a.raw 'Block count') * $(superblock a.raw 'Block size')))" = \
        "$(numfmt --from=iec "$new")" ] || fail "$words: another size than $new"
    rm a.raw
done <<'STEPS'
100M 300M -b 4096
2G 5000M -b 4096
128M 256M -b 1024 -C 16384
100M 333M -b 1024 -C 8192
64M 2000M -b 4096 -C 8192
STEPS
