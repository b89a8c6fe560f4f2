# A disk that holds anything but one ext4 is refused by name, also with --force; a blank one shrinks
# as far as it reads as zeros.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need sfdisk mkswap sha256sum
cd "$MEMORY"

# check NAME SENTENCE
check() {
    to_vhdx "$1.raw" "$1.vhdx"
    for image in "$1.raw" "$1.vhdx"; do
        sha256sum "$image" >sum
        for words in 'min' '20M' '20M --force' '-1M --dry-run'; do
            # shellcheck disable=SC2086
            expect_status 3 "$VHDTOOL" shrink "$image" $words
            expect_in stderr "^vhdtool: $image: .*$2.*; the image is untouched"
        done
        sha256sum --quiet -c sum || fail "the file was changed"
    done
}

truncate -s 32M swap.raw parts.raw both.raw blank.raw
mkswap swap.raw >/dev/null 2>&1
echo '2048,' | sfdisk -q --label gpt parts.raw
mke2fs -q -t ext4 both.raw
echo '2048,' | sfdisk -q --label dos --wipe never both.raw
check swap 'but: swap'
check parts 'but: gpt partition table'
check both 'signs of more than one thing'

printf x | dd of=blank.raw bs=1 seek=1234567 conv=notrunc status=none
to_vhdx blank.raw blank.vhdx
for image in blank.raw blank.vhdx; do
    expect_status 3 "$VHDTOOL" shrink $image min
    expect_in stderr 'no ext2, ext3 or ext4 on the disk'
    expect_status 0 "$VHDTOOL" shrink $image 2M
    expect_in stdout 'the disk alone shrinks'
    expect_status 3 "$VHDTOOL" shrink $image 1M
    expect_in stderr 'there is data at byte 1234567, behind the new end .*; the image is untouched'
    expect_status 0 "$VHDTOOL" shrink --force $image 1M
done
[ "$(stat -c %s blank.raw)" = 1048576 ] || fail "the file has $(stat -c %s blank.raw) bytes"
