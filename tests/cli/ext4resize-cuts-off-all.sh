# A raw image ends with its filesystem, also where that has become smaller than was asked for because the last group
# had no room for its tables; so the next run finds nothing behind it that it would have to keep.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"

make_raw a.raw 400M -b 1024
for blocks in 393752 262200 131100; do
    resize a.raw "$blocks"
    fsck_clean a.raw
    ! grep -q 'keeps its size' resize.log || fail "at $blocks: $(cat resize.log)"
    [ "$(superblock a.raw 'Block count')" -lt "$blocks" ] || fail "at $blocks: the last group is there"
    [ "$(stat -c %s a.raw)" = $(($(superblock a.raw 'Block count') * 1024)) ] ||
        fail "at $blocks: the file has $(stat -c %s a.raw) bytes"
done
