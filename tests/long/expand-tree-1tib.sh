# From 256 GiB to 1 TiB the file grows by at most 24 MiB, and the tree stays the same.
. "$TESTS/support/lib.sh"
. "$TESTS/support/expand-tree.sh"

expand_tree 256G 1T $((24 << 20)) 8191
