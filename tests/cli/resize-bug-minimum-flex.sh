# With flex groups larger than the disk, -M goes to the minimum at once, and sizes between it and
# the present one aren't refused.
# resize2fs 1.47.0: the second -M goes far below the first (2 GiB: 26205 blocks, then 17179;
# 100 GiB: 690858, then 248773), and sizes in between are refused without -f.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"

make_raw a.raw 2G -b 4096 -G 4096
resize a.raw 1500M
fsck_clean a.raw
expect_blocks a.raw 384000
resize a.raw 80M
fsck_clean a.raw
expect_blocks a.raw 20480

while read -r size most; do
    make_raw b.raw "$size" -b 4096 -G 4096
    resize -M b.raw
    fsck_clean b.raw
    first=$(superblock b.raw 'Block count')
    resize -M b.raw
    fsck_clean b.raw
    [ "$(superblock b.raw 'Block count')" = "$first" ] ||
        fail "-M of $size: $first blocks, then $(superblock b.raw 'Block count')"
    [ "$first" -le "$most" ] || fail "-M of $size: $first blocks, where resize2fs run twice leaves $most"
    rm b.raw
done <<'SIZES'
2G 17179
100G 248773
SIZES
