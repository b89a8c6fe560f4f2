# With clusters, blocks of 1 KiB begin with block 0, which is the boot block: the superblock is block
# 1, and with meta_bg the first descriptors are block 2.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"

make_raw a.raw 8320K -b 1024 -C 4096 -O bigalloc,meta_bg,^resize_inode
for size in 83200K 200000K 50000K 8M; do
    resize a.raw "$size"
    fsck_clean a.raw
    expect_blocks a.raw "$(($(numfmt --from=iec "$size") / 1024))"
done
