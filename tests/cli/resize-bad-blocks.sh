# What is marked as bad stays so as far as it lies in the new filesystem; what lies behind is listed no longer,
# and is no reason to stay large.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"

# bad_blocks FILE: as dumpe2fs lists them.
bad_blocks() {
    dumpe2fs -b "$1" 2>/dev/null
}

for layout in "-b 1024" "-b 1024 -O ^extent,^64bit" "-b 4096"; do
    block_size=$(echo "$layout" | sed 's/-b \([0-9]*\).*/\1/')
    # Low ones; and so many behind that the list has a tree of its own, some of which lies there, too.
    {
        seq $((7000000 / block_size)) 7 $((7050000 / block_size))
        seq $((43500000 / block_size)) 3 $((47000000 / block_size))
    } >bad
    low=$(awk -v end=$((20000000 / block_size)) '$1 < end' bad)
    rm -f a.raw
    # shellcheck disable=SC2086 # words of a command line
    make_raw a.raw 64M $layout -l bad
    [ "$(bad_blocks a.raw)" = "$(cat bad)" ] || fail "$layout: mke2fs lists other blocks"
    resize a.raw 50M
    fsck_clean a.raw
    [ "$(bad_blocks a.raw)" = "$(cat bad)" ] || fail "$layout: at 50M: $(bad_blocks a.raw)"
    resize a.raw 20M
    fsck_clean a.raw
    [ "$(bad_blocks a.raw)" = "$low" ] || fail "$layout: at 20M: $(bad_blocks a.raw)"
    resize a.raw 100M
    fsck_clean a.raw
    [ "$(bad_blocks a.raw)" = "$low" ] || fail "$layout: at 100M: $(bad_blocks a.raw)"
done

# Nothing moves, and all that changes in the first group is that the list gives its tree back.
rm -f a.raw
seq 296000 3 296060 >bad
make_raw a.raw 300M -b 1024 -O ^has_journal,^resize_inode -l bad
resize a.raw 270M
fsck_clean a.raw
[ -z "$(bad_blocks a.raw)" ] || fail "at 270M: $(bad_blocks a.raw)"

# The minimum is what it is without them.
make_raw plain.raw 64M -b 4096 -O ^has_journal
echo 15000 >bad
make_raw bad.raw 64M -b 4096 -O ^has_journal -l bad
resize -M plain.raw
resize -M bad.raw
fsck_clean bad.raw
expect_blocks bad.raw "$(superblock plain.raw 'Block count')"

# Where tables have to go, nothing can be done.
rm -f a.raw
echo 5 >bad
make_raw a.raw 64M -b 1024 -g 1024 -O ^resize_inode,^64bit -l bad
resize a.raw 50M
cp a.raw before.raw
expect_status 1 "$RESIZE" -b a.raw
expect_in stderr "block 5 is marked as bad"
cmp a.raw before.raw
