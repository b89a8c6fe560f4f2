# As cp -a would, create --from goes into what is mounted in the tree.
. "$TESTS/support/lib.sh"
need_mount

mkdir -p tree/mount tree/after
echo below >tree/after/file
truncate -s 8M other.raw
mkfs.ext4 -q other.raw
mount_raw other.raw tree/mount
echo other >tree/mount/file
"$VHDTOOL" create -q a.vhdx 64M --from tree
to_raw a.vhdx a.raw
fsck_clean a.raw
mount_raw a.raw mounted ro
[ "$(cat mounted/mount/file mounted/after/file)" = "other
below" ] || fail "files are missing: $(find mounted)"
