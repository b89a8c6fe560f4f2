# Every directory that names an inode which gets another number is written anew, each in a payload block of
# its own: where the host lacks the room for them, shrinking is refused before anything is written.
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need_root
need mount mke2fs sha256sum
cd "$MEMORY"

truncate -s 256M a.raw
mke2fs -q -F -t ext4 -b 1024 -O ^flex_bg,^has_journal a.raw
mkdir tree small
mount -o loop a.raw tree
for i in $(seq 96); do mkdir "tree/$i"; done
last=$(stat -c '%i %n' tree/[0-9]* | sort -n | tail -n 1 | cut -d ' ' -f 2)
: >"$last/named"
for i in $(seq 96); do ln "$last/named" "tree/$i/name" || fail "no link"; done
umount tree
to_vhdx a.raw a.vhdx
mount -t tmpfs -o size=$(($(stat -c %s a.vhdx) + (16 << 20))) none small 2>/dev/null || skip "needs tmpfs mounts"
at_exit 'umount "$MEMORY/small"'
cp --sparse=never a.vhdx small/a.vhdx
sha256sum small/a.vhdx >sum
expect_status 3 "$VHDTOOL" shrink small/a.vhdx 240M
expect_in stderr 'the host has .* free .*; the image is untouched'
sha256sum --quiet -c sum || fail "the file was changed"
