# A filesystem as a killed machine leaves it is recovered as the next mount would, then shrunk; a
# dry run looks at it the same way and changes nothing.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need dumpe2fs sha256sum
need_mount
cd "$MEMORY"

"$TESTS/support/dirty-filesystem.sh" dirty.raw 128M '-b 4096' '' create revoke orphans
dumpe2fs -h dirty.raw 2>/dev/null | grep -q needs_recovery || fail "the filesystem is clean"
to_vhdx dirty.raw dirty.vhdx
sha256sum dirty.vhdx >before
expect_status 0 "$VHDTOOL" shrink --dry-run dirty.vhdx 64M
sha256sum --quiet -c before || fail "the dry run changed the file"
expect_status 0 "$VHDTOOL" shrink -v dirty.vhdx 64M
expect_in stderr '^recovering'
check_vhdx dirty.vhdx
mount_raw dirty.raw old
mount_raw judged.raw new ro
diff -r old new >different || true
expect_empty different
