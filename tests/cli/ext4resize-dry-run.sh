# --dry-run prints what would happen and touches nothing; with -d the same is printed, and done.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mkfs.ext4 sha256sum

truncate -s 64M a
mkfs.ext4 -q -F -b 1024 -O ^64bit a
sha256sum a >before
for words in 'a 100M' 'a 40M' '-M a' '-b a'; do
    # shellcheck disable=SC2086
    expect_status 0 "$EXT4RESIZE" --dry-run $words
    expect_in stdout '^Plan for a:$'
    expect_in stdout '^  size +65536 blocks \(64 MiB\) -> [0-9]+ blocks'
    expect_in stdout '^  writes +[0-9.]+ '
    sha256sum --quiet -c before
    mv stdout plan
    cp a b
    # shellcheck disable=SC2086
    expect_status 0 "$EXT4RESIZE" -d 1 ${words/a/b}
    sed 's/^Plan for a:/Plan for b:/' plan | while IFS= read -r line; do
        grep -Fqx -e "$line" stdout || fail "not done as planned: $line"
    done
    [ "$(blocks_of b)" = "$(sed -n 's/^  size .*-> \([0-9]*\) blocks.*/\1/p' plan)" ] || fail "another size than planned"
    fsck_clean b
done
