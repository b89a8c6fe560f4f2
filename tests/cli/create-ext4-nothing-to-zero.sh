# The kernel has no inode table left to zero, and an empty filesystem takes next to no space.
. "$TESTS/support/lib.sh"
need qemu-img dumpe2fs

"$VHDTOOL" create -q a.vhdx 256G --ext4
[ "$(stat -c %s a.vhdx)" -lt 40000000 ] || fail "$(stat -c %s a.vhdx) bytes for nothing"
to_raw a.vhdx a.raw
dumpe2fs a.raw >facts 2>/dev/null
groups=$(grep -c '^Group [0-9]' facts)
zeroed=$(grep -c '^Group [0-9].*ITABLE_ZEROED' facts)
[ "$groups" = 2048 ] || fail "$groups groups"
[ "$zeroed" = "$groups" ] || fail "$zeroed of $groups inode tables are zeroed"
