# A tree that doesn't fit is refused with how much is missing, and no image is left.
. "$TESTS/support/lib.sh"

mkdir -p tree/large tree/many
head -c 30000000 /dev/urandom >tree/large/file
head -c 20000000 /dev/urandom >tree/large/other
expect_status 3 "$VHDTOOL" create a.vhdx 32M --from tree/large
expect_in stderr 'at least 2[0-9]\.[0-9] MiB more are needed'
[ ! -e a.vhdx ] || fail "an image was made"

(cd tree/many && seq 3000 | xargs touch)
expect_status 3 "$VHDTOOL" create a.vhdx 8M --from tree/many
expect_in stderr 'at least 9[0-9][0-9] more inodes are needed'
[ ! -e a.vhdx ] || fail "an image was made"
