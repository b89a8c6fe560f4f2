# A size above the disk's is refused, and the remedy names the command that expands; the disk's own
# size is nothing to do; what is no size is a mistake of the command line.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need sha256sum

"$VHDTOOL" create -q a.vhdx 64M --ext4
sha256sum a.vhdx >before
for size in 65M +1M 1T 67108865; do
    expect_status 3 "$VHDTOOL" shrink a.vhdx "$size"
    expect_in stderr "^vhdtool: a.vhdx: .* more than the disk's 67108864 bytes .*untouched"
    expect_in stderr 'vhdtool expand'
    expect_empty stdout
done
for size in 64M -0 67108863; do
    expect_status 0 "$VHDTOOL" shrink a.vhdx "$size"
    expect_in stdout '^a.vhdx: has that size already'
done
for size in minimum -65M 12Q ''; do
    expect_status 2 "$VHDTOOL" shrink a.vhdx "$size"
done
expect_status 2 "$VHDTOOL" shrink a.vhdx
sha256sum --quiet -c before || fail "the file was changed"
