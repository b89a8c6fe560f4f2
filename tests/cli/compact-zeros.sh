# Blocks of zeros in a file go back with --zeros, and stay without: the disk reads the same in both
# cases.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq qemu-io
cd "$MEMORY"

mkdir tree
head -c 20M /dev/zero | tr '\0' x >tree/file
truncate -s 100M a.raw
mke2fs -q -t ext4 -b 4096 -d tree a.raw
to_vhdx a.raw a.vhdx
"$VHDTOOL" compact -q a.vhdx
# What was x is overwritten with zeros, and still stored.
start=$(debugfs -R 'blocks file' a.raw 2>/dev/null | awk '{ print $1 }')
qemu-io -f vhdx -c "write $((start * 4096)) 16M" -c "write -P 0 $((start * 4096)) 16M" a.vhdx >/dev/null
to_raw a.vhdx before.raw
expect_status 0 "$VHDTOOL" compact --json a.vhdx
expect_json '.given_back == 0'
expect_status 0 "$VHDTOOL" compact --json --zeros a.vhdx
expect_json '.given_back >= 14680064'
check_vhdx a.vhdx
cmp before.raw judged.raw || fail "the disk reads otherwise"
