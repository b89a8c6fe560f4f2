# create --from takes a file tree over as it is.
. "$TESTS/support/lib.sh"
need_mount
need setfattr getfattr mkfifo mknod

mkdir -p tree/folder tree/empty
echo contents >tree/folder/file
ln tree/folder/file tree/hard-link
ln -s folder/file tree/link
ln -s "$(printf 'x%.0s' $(seq 200))" tree/long-link
mkfifo tree/fifo
mknod tree/device c 1 3
printf 'a' | dd of=tree/holes bs=1 seek=10000000 status=none
setfattr -n user.note -v value tree/folder/file
chown 1000:1001 tree/folder/file
chmod 4755 tree/folder/file
touch -h -d '2001-02-03 04:05:06.123456789' tree/folder/file tree/link tree/folder

expect_status 0 "$VHDTOOL" create a.vhdx 100M --from tree
to_raw a.vhdx a.raw
fsck_clean a.raw
mount_raw a.raw mounted ro
tree_fingerprint tree >expected
tree_fingerprint mounted | grep -v -e '^\./lost+found ' >found
# The top has one link more, its lost+found.
sed -i '1s/ \([0-9]*\)$/ top/' expected found
diff expected found || fail "the tree differs: before (<), in the image (>)"
