# A size below the disk's is refused, and the sentence names the command that shrinks.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need sha256sum

"$VHDTOOL" create -q a.vhdx 64M --ext4
sha256sum a.vhdx >before
for size in 32M -1M 0 67108352; do
    expect_status 3 "$VHDTOOL" expand a.vhdx "$size"
    expect_in stderr "^vhdtool: a.vhdx: .* less than the disk's 67108864 bytes .*untouched"
    expect_in stderr 'shrink'
    expect_empty stdout
done
sha256sum --quiet -c before || fail "the file was changed"
