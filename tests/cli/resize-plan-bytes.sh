# What a plan says that it writes is what has to be copied: neither an empty journal that moves counts, nor
# blocks that were allocated and not yet written.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need_mount
need jq fallocate

make_raw a.raw 512M -b 4096 -J size=16
mkdir tree
mount -o loop a.raw tree
fallocate -l 55M tree/low
fallocate -l 20M tree/allocated
head -c 10M /dev/urandom >tree/written
rm tree/low
umount tree
e2fsck -fy a.raw >/dev/null || [ $? = 1 ]

# Both lie behind this end.
"$RESIZE" --dry-run a.raw 60M >plan
moved=$(sed -n 's/^ *moves *\([0-9]*\) .*/\1/p' plan)
planned=$(sed -n 's/^ *writes .*(\([0-9]*\) bytes)/\1/p' plan)
[ "$moved" -gt 8192 ] || fail "$moved blocks move; the journal has 4096, what is allocated 5120"
[ "$planned" -lt $((20 * 1024 * 1024)) ] || fail "$planned bytes"

before=$(stat -c %b a.raw)
written=$("$VHDTOOL" shrink --json a.raw 60M | jq .bytes_written)
echo "planned: $planned, written: $written"
[ "$written" -lt $((planned + 4 * 1024 * 1024)) ] || fail "$written bytes, $planned were planned"
[ "$planned" -lt $((written + 1024 * 1024)) ] || fail "$written bytes, $planned were planned"
[ "$(stat -c %b a.raw)" -le "$before" ] || fail "the journal's zeros are stored"
fsck_clean a.raw
