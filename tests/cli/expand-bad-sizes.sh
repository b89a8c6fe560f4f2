# What is no size is a mistake in the command line (status 2), named in the sentence; so are
# numbers that fit into no disk.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need sha256sum

"$VHDTOOL" create -q a.vhdx 64M
sha256sum a.vhdx >before
for size in '' large 64Q 1..5G 1,5G 0x100000 '64 M B' G +G + - -100M 9E 16384P 99999999999999999999 \
    +9223372036854775807; do
    expect_status 2 "$VHDTOOL" expand a.vhdx -- "$size"
    expect_empty stdout
    grep -qF -- "\"$size\"" stderr || fail "the message doesn't have \"$size\": $(cat stderr)"
done
sha256sum --quiet -c before || fail "the file was changed"
