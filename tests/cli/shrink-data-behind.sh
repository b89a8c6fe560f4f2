# What isn't zeros behind the filesystem's end is not cut off, unless --force says so.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need sha256sum
cd "$MEMORY"

make_half_deleted a.raw 200M
files_of a.raw >before
truncate -s 400M a.raw
printf x | dd of=a.raw bs=1 seek=314572799 conv=notrunc status=none
to_vhdx a.raw a.vhdx
for image in a.raw a.vhdx; do
    sha256sum $image >sum
    for size in min 100M 299M 314572288; do
        expect_status 3 "$VHDTOOL" shrink $image $size
        expect_in stderr "^vhdtool: $image: there is data at byte 314572799, behind the filesystem's end.*; the image is untouched"
        expect_in stderr '.--force'
    done
    sha256sum --quiet -c sum || fail "the file was changed"
    expect_status 0 "$VHDTOOL" shrink $image 300M
    expect_status 0 "$VHDTOOL" shrink --force $image 100M
done
fsck_clean a.raw
files_of a.raw | cmp - before || fail "other files in the raw image"
check_vhdx a.vhdx
cmp before judged || fail "other files"
