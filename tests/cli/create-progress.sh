# Progress goes to stderr: none where that is no terminal, unless it is asked for.
. "$TESTS/support/lib.sh"
need jq

mkdir tree
head -c 4M /dev/urandom >tree/file
expect_status 0 "$VHDTOOL" create a.vhdx 64M --from tree
expect_empty stderr
expect_status 0 "$VHDTOOL" create b.vhdx 64M --from tree --progress=json --json
[ -s stderr ] || fail "no progress"
jq -es 'length > 0 and all(.path == "b.vhdx" and .phase == "writing" and .done > 0 and .total == null
    and .seconds >= 0)' stderr >/dev/null || fail "progress is: $(cat stderr)"
jq -es 'length == 1' stdout >/dev/null || fail "stdout is: $(cat stdout)"
expect_status 0 "$VHDTOOL" create c.vhdx 64M --from tree --progress=always
expect_in stderr 'writing .* KiB|writing .* bytes'
expect_status 0 "$VHDTOOL" create d.vhdx 64M --from tree --progress=always -q
expect_empty stderr stdout
need script
script -qec "$(printf '%q create e.vhdx 64M --from tree' "$VHDTOOL")" /dev/null >terminal
expect_in terminal 'writing '
