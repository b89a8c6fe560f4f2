# create --from keeps extended attributes of every namespace, small and large, on every kind.
. "$TESTS/support/lib.sh"
need_mount
need setfattr getfattr mkfifo

mkdir -p tree/folder
echo contents >tree/file
mkfifo tree/fifo
ln -s file tree/link
setfattr -n user.one -v 1 tree/file
setfattr -n user.empty tree/file
setfattr -n trusted.two -v 2 tree/file
setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 tree/file
touch tree/large
setfattr -n user.large -v "$(printf 'x%.0s' $(seq 700))" tree/large
setfattr -n user.binary -v 0x00ff00fe0a tree/large
setfattr -n user.folder -v "$(printf 'y%.0s' $(seq 300))" tree/folder
setfattr -n user.top -v top tree
setfattr -h -n trusted.link -v link tree/link
setfattr -n trusted.fifo -v fifo tree/fifo

attributes() {
    (cd "$1" && find . ! -path './lost+found*' -print0 | sort -z |
        xargs -0 getfattr -h -d -m - -e hex)
}
"$VHDTOOL" create -q a.vhdx 64M --from tree
to_raw a.vhdx a.raw
fsck_clean a.raw
mount_raw a.raw mounted ro
attributes tree >expected
attributes mounted >found
diff expected found || fail "attributes differ: before (<), in the image (>)"
