# A filesystem as a killed machine leaves it is recovered as the next mount would, then expanded; a
# dry run looks at it the same way and changes nothing.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need qemu-img dumpe2fs sha256sum
need_mount

"$TESTS/support/dirty-filesystem.sh" dirty.raw 64M '-b 4096' '' create revoke orphans
dumpe2fs -h dirty.raw 2>/dev/null | grep -q needs_recovery || fail "the filesystem is clean"
qemu-img convert -O vhdx -o block_size=1M dirty.raw dirty.vhdx
sha256sum dirty.vhdx >before

expect_status 0 "$VHDTOOL" expand --json --dry-run dirty.vhdx 200M
expect_json '.after.filesystem_size == 200 * 1024 * 1024'
sha256sum --quiet -c before || fail "the dry run changed the file"

expect_status 0 "$VHDTOOL" expand -v dirty.vhdx 200M
expect_in stderr 'recovering'
to_raw dirty.vhdx new.raw
fsck_clean new.raw
mount_raw dirty.raw old
mount_raw new.raw new ro
diff -r old new >different || true
expect_empty different
