# A filesystem as a killed machine leaves it is recovered as the next mount would, then compacted; a
# dry run looks at it the same way, and so does info, and they change nothing.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq dumpe2fs sha256sum
need_mount
cd "$MEMORY"

"$TESTS/support/dirty-filesystem.sh" dirty.raw 64M '-b 4096' '' create revoke orphans
dumpe2fs -h dirty.raw 2>/dev/null | grep -q needs_recovery || fail "the filesystem is clean"
to_vhdx dirty.raw dirty.vhdx
sha256sum dirty.vhdx >before
expect_status 0 "$VHDTOOL" info --json dirty.vhdx
reclaimable=$(jq .reclaimable_size stdout)
expect_status 0 "$VHDTOOL" compact --json --dry-run dirty.vhdx
expect_json ".given_back == $reclaimable and .given_back > 0"
sha256sum --quiet -c before || fail "looking changed the file"
size=$(stat -c %s dirty.vhdx)
expect_status 0 "$VHDTOOL" compact --json -v dirty.vhdx
expect_in stderr '^recovering'
expect_json ".given_back == $reclaimable and .given_back == $size - .after.file_size"
check_vhdx dirty.vhdx
mount_raw dirty.raw old
mount_raw judged.raw new ro
diff -r old new >different || true
expect_empty different
