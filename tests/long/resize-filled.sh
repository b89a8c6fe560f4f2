# A disk of 256 GiB that was in use for long goes to its minimum at once: no more than 2 % of what is
# in use stays free, and the files are the same.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
. "$TESTS/support/filled-image.sh"
need_mount
cd "$TMPDIR" # too large for memory

image=$(filled_image "$(dirname "$VHDTOOL")")
cp --sparse=always "$image" a.raw
resize -M a.raw
fsck_clean a.raw
blocks=$(superblock a.raw 'Block count')
used=$((blocks - $(superblock a.raw 'Free blocks')))
echo "$blocks blocks, $used used"
[ $((blocks * 100)) -le $((used * 102)) ] || fail "$blocks blocks, $used of them used"
[ "$(stat -c %s a.raw)" = $((blocks * $(superblock a.raw 'Block size'))) ] || fail "the file wasn't cut"
mount_raw a.raw tree ro
"$TESTS/support/tree-fingerprint.py" tree >after
cmp "$image.tree" after || fail "another tree"
