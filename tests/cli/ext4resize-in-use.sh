# What another program has locked, what a loop device stands on, what can't be written and what isn't
# there is refused with the reason, and left alone.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mkfs.ext4 sha256sum

truncate -s 64M a
mkfs.ext4 -q -F a
sha256sum a >before

expect_status 1 "$EXT4RESIZE" nothing 1G
expect_in stderr '^ext4resize: nothing: .*No such file'
expect_status 1 "$EXT4RESIZE" . 1G
expect_in stderr '^ext4resize: \.: '
if [ "$(id -u)" != 0 ]; then
    chmod a-w a
    expect_status 1 "$EXT4RESIZE" a 100M
    expect_in stderr '^ext4resize: a: cannot open it for writing'
    expect_status 0 "$EXT4RESIZE" -P a
    chmod u+w a
elif device=$(losetup -f --show a 2>/dev/null); then
    at_exit 'losetup -d "$device" 2>/dev/null || true'
    expect_status 1 "$EXT4RESIZE" a 100M
    expect_in stderr "^ext4resize: a: the image is in use: $device "
    losetup -d "$device"
fi

truncate -s 64M b
dd if=/dev/urandom of=b bs=1M count=1 conv=notrunc status=none
expect_status 1 "$EXT4RESIZE" b 100M
expect_in stdout "^Couldn't find valid filesystem superblock\.\$"
expect_in stderr '^ext4resize: b: there is no ext2, ext3 or ext4 filesystem on it; the image is untouched$'
sha256sum --quiet -c before
[ "$(ls ./*journal* 2>/dev/null)" = "" ] || fail "a journal was left"
