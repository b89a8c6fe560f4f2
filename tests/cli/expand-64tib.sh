# 256 GiB to 64 TiB in one step needs less than 200 MiB of memory, and info on the result less than
# 16 MiB.
. "$TESTS/support/lib.sh"
need qemu-img /usr/bin/time
need_plain_program

[ "$(($(stat -f -c '%a * %S' .)))" -gt $((24 << 30)) ] || skip "needs 24 GiB on the host"
"$VHDTOOL" create -q --ext4 image.vhdx 256G
/usr/bin/time -f %M -o memory "$VHDTOOL" expand -q image.vhdx 64T
[ "$(cat memory)" -lt $((200 << 10)) ] || fail "expand took $(cat memory) KiB"
/usr/bin/time -f %M -o memory "$VHDTOOL" info --json image.vhdx >stdout
[ "$(cat memory)" -lt $((16 << 10)) ] || fail "info took $(cat memory) KiB"
expect_json '.virtual_size == 70368744177664 and .filesystem.size > 70368000000000'
qemu-img check -q image.vhdx
