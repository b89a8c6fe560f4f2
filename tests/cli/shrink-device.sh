# A device keeps its size: shrinking one is refused, and the device is left alone.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need_root
need losetup sha256sum

make_half_deleted a.raw 200M
device=$(losetup -f --show a.raw 2>/dev/null) || skip "needs loop devices"
at_exit 'losetup -d "$device" 2>/dev/null || true'
sha256sum a.raw >before
for size in min 100M; do
    expect_status 3 "$VHDTOOL" shrink "$device" $size
    expect_in stderr "it is a device of 209715200 bytes.*; the image is untouched"
done
sha256sum --quiet -c before || fail "the device was changed"
