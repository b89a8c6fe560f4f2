# +SIZE adds to the disk's present size; decimals and suffixes of each kind are understood.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need jq

"$VHDTOOL" create -q a.vhdx 64M --ext4
size=$((64 << 20))
for step in +1M:1048576 +0.5MiB:524288 +512:512 +100kb:102400 +1:512; do
    size=$((size + ${step#*:}))
    expect_status 0 "$VHDTOOL" expand --json a.vhdx "${step%:*}"
    expect_json ".after.virtual_size == $size"
done
