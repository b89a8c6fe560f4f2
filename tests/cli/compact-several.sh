# Of several images, those after one that fails are compacted all the same; the status is the
# worst: that of a failure before that of a refusal, which leaves the image untouched.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq
cd "$MEMORY"

make_half_deleted a.raw 100M
to_vhdx a.raw a.vhdx
cp a.vhdx b.vhdx
head -c 100000 /dev/urandom >wrong.vhdx
expect_status 3 "$VHDTOOL" compact --json a.vhdx wrong.vhdx a.raw b.vhdx
[ "$(jq -r .path stdout | tr '\n' ' ')" = 'a.vhdx b.vhdx ' ] || fail "it says: $(cat stdout)"
expect_json '.given_back > 11000000'
expect_in stderr '^vhdtool: wrong.vhdx: '
expect_in stderr '^vhdtool: a.raw: '
expect_status 1 "$VHDTOOL" compact nowhere.vhdx b.vhdx
expect_in stdout '^b.vhdx: nothing to give back'
expect_status 1 "$VHDTOOL" compact wrong.vhdx nowhere.vhdx a.raw
expect_status 2 "$VHDTOOL" compact
