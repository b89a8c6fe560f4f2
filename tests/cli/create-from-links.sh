# create --from keeps hard links, of any kind of file, and symbolic links of any length.
. "$TESTS/support/lib.sh"
need_mount

mkdir -p tree/a/b tree/z
echo contents >tree/z/last
ln tree/z/last tree/a/b/first
ln tree/z/last tree/middle
mkfifo tree/fifo
ln tree/fifo tree/a/fifo
for length in 1 59 60 61 1000; do
    ln -s "$(head -c $length /dev/zero | tr '\0' x)" tree/link-$length
done
ln tree/link-1000 tree/a/link-1000
echo outside >outside
ln outside tree/with-a-link-outside

links() {
    (cd "$1" && find . ! -type d -printf '%p %y %n %l\n' | sort)
}
"$VHDTOOL" create -q a.vhdx 64M --from tree
to_raw a.vhdx a.raw
fsck_clean a.raw
mount_raw a.raw mounted ro
links tree | sed 's/^\(.*with-a-link-outside f\) 2/\1 1/' >expected
links mounted >found
diff expected found || fail "links differ: before (<), in the image (>)"
for pair in 'z/last a/b/first' 'z/last middle' 'fifo a/fifo' 'link-1000 a/link-1000'; do
    one=${pair% *} two=${pair#* }
    [ "$(stat -c %i "mounted/$one")" = "$(stat -c %i "mounted/$two")" ] ||
        fail "$one and $two are two files"
done
