# A file in small pieces, whose extent tree has several leaves, moves into free space where all its
# blocks come to lie in a row: the contents and the tree are whole.
# resize2fs 1.47.0: a mapping that joins the last one of the leaf before corrupts the tree.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need_mount
need filefrag

# move_pieces RUN: a file of extents of RUN blocks each.
move_pieces() {
    local start length

    make_raw a.raw 64M -b 1024 -g 8192
    mount_raw a.raw tree
    fill_up tree
    truncate -s -150K tree/wall/0 # room for extent trees
    sync -f tree
    read -r start length < <(last_extent tree/wall/0)
    "$TESTS/support/write-in-pieces.py" tree/wall/0 $((start + length)) tree/pieces 1200 1024 "$1"
    [ "$(filefrag tree/pieces | sed 's/.*: \([0-9]*\) extents.*/\1/')" -gt $((700 / $1)) ] || fail "no pieces"
    rm -r tree/wall
    (cd tree && sha256sum pieces) >sums
    umount tree
    e2fsck -fy a.raw >/dev/null 2>&1 || [ $? = 1 ]

    resize a.raw 30M
    fsck_clean a.raw
    mount_raw a.raw tree ro
    (cd tree && sha256sum --quiet -c ../sums) || fail "other contents: pieces of $1"
    umount tree
}

for run in 1 2 3; do
    move_pieces $run
done
