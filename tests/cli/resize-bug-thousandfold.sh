# A filesystem grows more than 1024-fold: with descriptor blocks reserved for that (which the resize
# inode can't have all), and without.
# resize2fs 1.47.0: with some reserved it stops midway ("Illegal doubly indirect block"), with
# errors left in the filesystem.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"

make_raw a.raw 64M -b 4096
resize a.raw 65G
fsck_clean a.raw
expect_blocks a.raw 17039360
make_raw b.raw 10M -b 4096 -O ^resize_inode
resize b.raw 20G
fsck_clean b.raw
expect_blocks b.raw 5242880
make_raw c.raw 5M -b 1024
resize c.raw 6G
fsck_clean c.raw
expect_blocks c.raw 6291456
