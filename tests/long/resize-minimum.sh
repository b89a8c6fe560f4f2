# An empty filesystem of 1 TiB in one flex group goes to its minimum at once: at or below what
# resize2fs reaches when it runs twice.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need resize2fs

make_raw a.raw 1T -b 4096 -G 4096
make_raw peer.raw 1T -b 4096 -G 4096
resize2fs -M peer.raw >/dev/null 2>&1
resize2fs -f -M peer.raw >/dev/null 2>&1
fsck_clean peer.raw
resize -M a.raw
fsck_clean a.raw
ours=$(superblock a.raw 'Block count')
theirs=$(superblock peer.raw 'Block count')
echo "$ours blocks, resize2fs twice: $theirs"
[ "$ours" -le "$theirs" ] || fail "$ours blocks, where resize2fs run twice leaves $theirs"
