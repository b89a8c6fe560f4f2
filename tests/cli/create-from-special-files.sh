# create --from keeps devices (with small and large numbers), fifos and sockets.
. "$TESTS/support/lib.sh"
need_mount
need mknod mkfifo python3

mkdir tree
mknod -m 620 tree/terminal c 5 1
mknod tree/large c 300 70000
mknod tree/whiteout c 0 0
mknod -m 660 tree/block b 8 17
mkfifo -m 600 tree/fifo
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("tree/socket")'

files() {
    (cd "$1" && find . ! -type d -print0 | sort -z | xargs -0 stat -c '%n %F %a %t:%T')
}
"$VHDTOOL" create -q a.vhdx 64M --from tree
to_raw a.vhdx a.raw
fsck_clean a.raw
mount_raw a.raw mounted ro
files tree >expected
files mounted >found
diff expected found || fail "files differ: before (<), in the image (>)"
