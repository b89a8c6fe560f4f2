# A disk without a free block, on which the kernel left an extent tree wider than need be: -P counts
# what the tree gives back, -M reaches that in one run, and nothing is left for a second one.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need_mount

# write_shuffled FILE COUNT: so many extents of one block, written in no order, so that the kernel
# splits the tree's blocks again and again.
write_shuffled() {
    python3 - "$1" "$2" <<'PYTHON'
import os, random, sys
blocks = list(range(int(sys.argv[2])))
random.Random(1).shuffle(blocks)
fd = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
for block in blocks:
    os.pwrite(fd, block.to_bytes(4, 'little') * 256, 2048 * block)
    os.fdatasync(fd)
PYTHON
}

make_raw a.raw 16M -b 1024 -g 8192 -J size=1
mount_raw a.raw tree
write_shuffled tree/wide 600
fill_up tree
(cd tree && find . -type f -print0 | xargs -0 sha256sum) >sums
umount tree
e2fsck -fn a.raw >fsck.log 2>&1 || fail "$(cat fsck.log)"
grep -q 'could be narrower' fsck.log || fail "the tree isn't wide"
[ "$(superblock a.raw 'Free blocks')" -lt 4 ] || fail "there is room"

promised=$(minimum a.raw)
resize -M a.raw
fsck_clean a.raw # which finds no tree that could be narrower
expect_blocks a.raw "$promised"
[ "$promised" -lt $((16384 - 3)) ] || fail "$promised blocks"
resize -M a.raw
expect_blocks a.raw "$promised"
mount_raw a.raw tree ro
(cd tree && sha256sum --quiet -c ../sums) || fail "other contents"
umount tree
