# Nothing to do is nothing to do: copies of the superblock that mke2fs, tune2fs and e2fsck leave behind are not
# taken for stale ones.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need tune2fs

# untouched FILE: by the size that it has.
untouched() {
    sha256sum "$1" >before
    resize "$1"
    sha256sum --quiet -c before || fail "changed: $(cat resize.log)"
}

for features in ^resize_inode sparse_super2 ^64bit meta_bg,^resize_inode; do
    make_raw a.raw 200M -b 1024 -O "$features"
    untouched a.raw
done
make_raw a.raw 200M -b 1024
for words in '-O ^resize_inode' '-L name' '-m 1' '-O ^metadata_csum' '-U random'; do
    # shellcheck disable=SC2086
    tune2fs $words a.raw >/dev/null 2>&1
    e2fsck -fy a.raw >/dev/null 2>&1 || [ $? = 1 ]
    untouched a.raw
done
