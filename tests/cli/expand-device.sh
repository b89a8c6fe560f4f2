# A block device: its filesystem grows to the device's size, also after the program was killed;
# the device itself doesn't grow, and one that is mounted is refused.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need_mount
need jq strace

truncate -s 64M a.raw
mkdir tree point
seq 20000 >tree/numbers
mkfs.ext4 -q -d tree a.raw
truncate -s 200M a.raw
device=$(losetup -f --show a.raw 2>/dev/null) || skip "needs loop devices"
at_exit 'losetup -d "$device"'
journal=/var/tmp/dev-${device##*/}.vhdtool-journal
at_exit 'rm -f "$journal"'

expect_status 0 "$VHDTOOL" info --json "$device"
expect_json '.format == "raw" and .virtual_size == 209715200 and .filesystem.size == 67108864'

mount "$device" point
expect_status 3 "$VHDTOOL" expand "$device"
expect_in stderr "^vhdtool: $device: the device $device is in use.*untouched"
expect_in stderr "lsblk $device"
umount point

expect_status 3 "$VHDTOOL" expand "$device" 300M
expect_in stderr 'device of 209715200 bytes.*untouched'

if [ -z "${SANITIZED:-}" ]; then
    status=0
    strace -o trace -e inject=unlink:signal=KILL:when=1 "$VHDTOOL" expand -q "$device" || status=$?
    [ "$status" = 137 ] || fail "status $status"
    [ -e "$journal" ] || fail "no journal at $journal"
    expect_status 0 "$VHDTOOL" info --json "$device"
    expect_json '.log == "dirty" and .filesystem.size == 209715200'
fi
# There is nothing left to expand, but what was interrupted is finished.
expect_status 0 "$VHDTOOL" expand "$device"
[ ! -e "$journal" ] || fail "the journal is still there"
expect_status 0 "$VHDTOOL" info --json "$device"
expect_json '.log == "none" and .filesystem.size == 209715200'
fsck_clean "$device"
mount "$device" point
cmp point/numbers tree/numbers || fail "another file"
umount point

# Old bytes lie where new tables go.
mkfs.ext4 -q -d tree "$device" 64M
head -c 136M /dev/zero | tr '\0' '\245' | dd of="$device" bs=1M seek=64 status=none iflag=fullblock
expect_status 0 "$VHDTOOL" expand "$device"
fsck_clean "$device"
[ ! -e "$journal" ] || fail "a journal was left"
