# An image on which a loop device stands is refused; device and remedy are named.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need_root
need losetup sha256sum

"$VHDTOOL" create -q a.vhdx 64M --ext4
device=$(losetup -f --show a.vhdx 2>/dev/null) || skip "needs loop devices"
at_exit 'losetup -d "$device" 2>/dev/null || true'
sha256sum a.vhdx >before
ln -s a.vhdx link.vhdx
for name in a.vhdx link.vhdx; do
    expect_status 3 "$VHDTOOL" expand "$name" 80M
    expect_in stderr "^vhdtool: $name: the image is in use: $device "
    expect_in stderr "losetup -d $device"
done
sha256sum --quiet -c before || fail "the file was changed"
losetup -d "$device"
for _ in $(seq 50); do
    losetup "$device" >/dev/null 2>&1 || break
    sleep 0.05
done
expect_status 0 "$VHDTOOL" expand a.vhdx 80M
