# A filesystem that the kernel filled has the same tree after growing, down to nanoseconds and
# extended attributes, and the kernel mounts it and has no new group left to zero.
. "$TESTS/support/lib.sh"
. "$TESTS/support/expand-tree.sh"

expand_tree 16G 140G $((16 << 20)) 1119
