# An image that a running QEMU has open is refused, with the remedy, and left alone; afterwards
# it can be expanded.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need qemu-io sha256sum mkfifo

"$VHDTOOL" create -q a.vhdx 64M --ext4
mkfifo commands
qemu-io -f vhdx a.vhdx <commands >qemu.log 2>&1 &
qemu=$!
at_exit 'kill $qemu 2>/dev/null || true'
exec 3>commands
echo 'read 0 4k' >&3
for _ in $(seq 100); do
    ! grep -q 'read 4096' qemu.log || break
    sleep 0.05
done
grep -q 'read 4096' qemu.log || skip "qemu-io doesn't open the image"
sha256sum a.vhdx >before
expect_status 3 "$VHDTOOL" expand a.vhdx 80M
expect_in stderr '^vhdtool: a.vhdx: the image is in use: .*locked.*untouched'
[ "$(wc -l <stderr)" = 2 ] || fail "no remedy: $(cat stderr)"
sha256sum --quiet -c before || fail "the file was changed"
exec 3>&-
wait "$qemu"
expect_status 0 "$VHDTOOL" expand a.vhdx 80M
