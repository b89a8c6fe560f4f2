# On a host without a byte left, --deep first gives back what is free, and packs in the room that this
# makes.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need_root
need mount jq
cd "$MEMORY"

make_half_deleted a.raw 300M
to_vhdx a.raw a.vhdx
files_of a.raw >before
cp a.vhdx plain.vhdx
"$VHDTOOL" compact -q plain.vhdx
mkdir small
mount -t tmpfs -o size=$(($(stat -c %s a.vhdx) + (2 << 20))) none small 2>/dev/null || skip "needs tmpfs mounts"
at_exit 'umount "$MEMORY/small"'
cp --sparse=never a.vhdx small/a.vhdx
cat /dev/zero >small/filler 2>/dev/null || true
[ "$(stat -f -c %a small)" = 0 ] || fail "there is room left"
expect_status 0 "$VHDTOOL" compact --deep --json small/a.vhdx
expect_json ".after.file_size < $(stat -c %s plain.vhdx)"
expect_json '.given_back == .before.file_size - .after.file_size'
check_vhdx small/a.vhdx
cmp before judged || fail "other files"
