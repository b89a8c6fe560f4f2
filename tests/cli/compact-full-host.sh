# A host without a byte left doesn't stop it: that is when it is needed.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need_root
need mount jq
cd "$MEMORY"

make_half_deleted a.raw 300M
to_vhdx a.raw a.vhdx
files_of a.raw >before
mkdir small
mount -t tmpfs -o size=$(($(stat -c %s a.vhdx) + (2 << 20))) none small 2>/dev/null || skip "needs tmpfs mounts"
at_exit 'umount "$MEMORY/small"'
cp --sparse=never a.vhdx small/a.vhdx
cat /dev/zero >small/filler 2>/dev/null || true
[ "$(stat -f -c %a small)" = 0 ] || fail "there is room left"
expect_status 0 "$VHDTOOL" compact --json small/a.vhdx
expect_json '.given_back > 11000000'
check_vhdx small/a.vhdx
cmp before judged || fail "other files"
