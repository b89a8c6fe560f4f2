# An image that another program has locked is refused, and left alone; afterwards it is compacted.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need qemu-io sha256sum mkfifo
cd "$MEMORY"

make_half_deleted a.raw 100M
to_vhdx a.raw a.vhdx
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
for command in 'compact a.vhdx' 'shrink a.vhdx min'; do
    # shellcheck disable=SC2086
    expect_status 3 "$VHDTOOL" $command
    expect_in stderr '^vhdtool: a.vhdx: the image is in use: .*locked.*untouched'
done
sha256sum --quiet -c before || fail "the file was changed"
exec 3>&-
wait "$qemu"
expect_status 0 "$VHDTOOL" compact a.vhdx
