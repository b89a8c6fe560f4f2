# A bitmap that is wrong is seen also where it was made so that positions, their squares and their cubes add
# up to the same: nothing is written.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"

make_raw a.raw 8M -b 1024 -O ^resize_inode,^extent,^64bit,^metadata_csum,^has_journal
head -c 4096 /dev/urandom >contents
debugfs -w -R "write contents a" a.raw 2>/dev/null
{
    for block in $(debugfs -R "blocks a" a.raw 2>/dev/null); do echo "freeb $block"; done
    index=0
    for distance in 0 4 7 11; do
        echo "sif a block[$index] $((6000 + distance))"
        index=$((index + 1))
    done
    for distance in 1 2 9 10; do echo "setb $((6000 + distance))"; done
} >script
debugfs -w -f script a.raw >/dev/null 2>&1
[ "$(debugfs -R "blocks a" a.raw 2>/dev/null)" = "6000 6004 6007 6011 " ] || fail "a lies elsewhere"
e2fsck -fn a.raw >fsck.log 2>&1 || true
expect_in fsck.log "Block bitmap differences"
cp a.raw before.raw
for words in "-M a.raw" "a.raw 7M"; do
    # shellcheck disable=SC2086 # words of a command line
    expect_status 1 "$RESIZE" $words
    expect_in stderr "group 0: .* aren't those that inodes and metadata claim; the image is untouched"
    cmp a.raw before.raw
done
