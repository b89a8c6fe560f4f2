# Where the undo file can't hold what would be overwritten, nothing is.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need_mount
need cmp

truncate -s 3M small.raw
mkfs.ext4 -q -F -b 1024 -O ^has_journal small.raw
mount_raw small.raw small
truncate -s 64M old
mkfs.ext4 -q -F -b 1024 old
dd if=/dev/urandom of=noise bs=1M count=20 status=none
debugfs -w -f - old >/dev/null 2>&1 <<'WORDS'
write noise first
write noise second
rm first
WORDS
cp old a
expect_status 1 "$EXT4RESIZE" -z small/undo a 30M
expect_in stderr 'the undo file small/undo: .* free where it lies .*untouched$'
cmp old a
