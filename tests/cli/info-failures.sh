# What can't be read: status 1, the image's name in the sentence; the other images are still told.
. "$TESTS/support/lib.sh"
need jq

"$VHDTOOL" create -q good.vhdx 5M
: >empty.vhdx
echo "some text" >text.vhdx

for image in missing.vhdx empty.vhdx text.vhdx . /dev/null; do
    expect_status 1 "$VHDTOOL" info "$image"
    expect_empty stdout
    expect_in stderr "^vhdtool: $image: "
done

expect_status 1 "$VHDTOOL" info --json missing.vhdx good.vhdx text.vhdx good.vhdx
[ "$(wc -l <stdout)" = 2 ] || fail "two lines expected: $(cat stdout)"
[ "$(grep -c '^vhdtool: ' stderr)" = 2 ] || fail "two errors expected: $(cat stderr)"
expect_json '.path == "good.vhdx"'

expect_status 1 "$VHDTOOL" info "$(printf 'esc\033[2J.vhdx')"
! grep -q "$(printf '\033')" stderr || fail "control characters reach the terminal"
