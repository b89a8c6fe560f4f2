# A disk that is too small for ext4 is refused, and no image is left.
. "$TESTS/support/lib.sh"

for size in 4K 64K; do
    expect_status 3 "$VHDTOOL" create a.vhdx $size --ext4
    expect_in stderr 'too little for ext4'
    [ ! -e a.vhdx ] || fail "an image was made"
done
