# Each way to ask for help gives it on stdout, with status 0.
. "$TESTS/support/lib.sh"

for words in --help -h help; do
    expect_status 0 "$VHDTOOL" $words
    expect_in stdout '^Usage: vhdtool COMMAND'
    expect_empty stderr
done
for words in 'info --help' 'info -h' 'help info' 'info nonsense --help' 'create --help'; do
    expect_status 0 "$VHDTOOL" $words
    expect_in stdout '^Usage: vhdtool (info|create) \[OPTIONS\] IMAGE'
    expect_empty stderr
done
expect_status 0 "$VHDTOOL" --version
[ "$(cat stdout)" = "vhdtool 0.1.0" ] || fail "--version says: $(cat stdout)"
expect_status 0 "$VHDTOOL" info --version
[ "$(cat stdout)" = "vhdtool 0.1.0" ] || fail "info --version says: $(cat stdout)"
