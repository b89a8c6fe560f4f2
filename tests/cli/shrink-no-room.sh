# Where the host hasn't the room that moving may take, shrinking is refused before anything is
# written; compacting needs none, and makes it.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need_root
need mount sha256sum
cd "$MEMORY"

make_half_deleted a.raw 300M
to_vhdx a.raw a.vhdx
files_of a.raw >before
mkdir small
mount -t tmpfs -o size=$(($(stat -c %s a.vhdx) + (2 << 20))) none small 2>/dev/null || skip "needs tmpfs mounts"
at_exit 'umount "$MEMORY/small"'
cp --sparse=never a.vhdx small/a.vhdx
cat /dev/zero >small/filler 2>/dev/null || true
sha256sum small/a.vhdx >sum
expect_status 3 "$VHDTOOL" shrink small/a.vhdx 40M
expect_in stderr '^vhdtool: small/a.vhdx: the host has .* free .*; the image is untouched'
expect_in stderr 'vhdtool compact'
sha256sum --quiet -c sum || fail "the file was changed"
expect_status 0 "$VHDTOOL" compact small/a.vhdx
expect_status 0 "$VHDTOOL" shrink small/a.vhdx 40M
check_vhdx small/a.vhdx
cmp before judged || fail "other files"
