# A lost+found in the tree becomes the filesystem's: one folder, its own metadata, both contents.
. "$TESTS/support/lib.sh"
need_mount

mkdir -p tree/lost+found/folder
echo found >tree/lost+found/file
chmod 711 tree/lost+found
touch -d '2001-02-03 04:05:06.7 UTC' tree/lost+found
"$VHDTOOL" create -q a.vhdx 64M --from tree
to_raw a.vhdx a.raw
fsck_clean a.raw
mount_raw a.raw mounted ro
[ "$(ls -A mounted)" = lost+found ] || fail "the top has: $(ls -A mounted)"
[ "$(stat -c '%i %a %Y' mounted/lost+found)" = "11 711 981173106" ] ||
    fail "lost+found has $(stat -c '%i %a %Y' mounted/lost+found)"
[ "$(cat mounted/lost+found/file)" = found ] || fail "its file is lost"
[ -d mounted/lost+found/folder ] || fail "its folder is lost"
