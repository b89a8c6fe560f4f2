# What is no disk image is refused, and left alone.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need sha256sum

: >empty.vhdx
echo hello >short.vhdx
head -c 3000000 /dev/urandom >noise.vhdx
sha256sum -- *.vhdx >before
for name in empty short noise; do
    expect_status 3 "$VHDTOOL" expand $name.vhdx 1G
    expect_in stderr "^vhdtool: $name.vhdx: .*no.* disk image.*VHDX.*untouched"
done
expect_status 1 "$VHDTOOL" expand nowhere.vhdx 1G
expect_in stderr '^vhdtool: nowhere.vhdx: '
[ ! -e nowhere.vhdx ] || fail "a file was made"
sha256sum --quiet -c before || fail "a file was changed"
