# What stands behind the filesystem in a file isn't cut off with it, unless it is zeros.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mkfs.ext4 cmp

truncate -s 100M a
mkfs.ext4 -q -F a 50M
cp a b
printf 'the only copy' | dd of=b bs=1 seek=$((90 << 20)) conv=notrunc status=none
cp b c
for size in 60M 30M; do
    expect_status 0 "$EXT4RESIZE" a $size
    [ "$(stat -c %s a)" = $((${size%M} << 20)) ] || fail "the zeros weren't cut off"
    expect_status 0 "$EXT4RESIZE" b $size
    expect_in stderr '^The file keeps its size'
    cmp -i 60M b c
    fsck_clean a
    fsck_clean b
    cp c b
done
# Growing over them takes their place, as their owner asked for.
expect_status 0 "$EXT4RESIZE" b
fsck_clean b
