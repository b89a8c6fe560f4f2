# The metadata of the folder itself become those of the filesystem's root.
. "$TESTS/support/lib.sh"
need_mount

mkdir tree
echo contents >tree/file
chown 3:4 tree
chmod 1751 tree
touch -d '2009-02-13 23:31:30.123456789 UTC' tree
ln -s tree link-to-tree
facts() {
    stat -c '%a %u %g %y' "$1"
}
for from in tree link-to-tree/; do
    "$VHDTOOL" create -q a.vhdx 64M --from $from
    to_raw a.vhdx a.raw
    fsck_clean a.raw
    mount_raw a.raw mounted ro
    [ "$(facts mounted)" = "$(facts tree)" ] || fail "the root has $(facts mounted)"
    [ "$(stat -c %i mounted)" = 2 ] || fail "the root has inode $(stat -c %i mounted)"
    umount mounted
    rm a.vhdx
done
