# A raw image grows as a VHDX does: disk and filesystem, with the tree that was in it. It stays
# sparse, and no journal is left beside it.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mkfs.ext4 debugfs jq sha256sum

mkdir -p tree/sub out1 out2
seq 100000 >tree/numbers
head -c 3000000 /dev/urandom >tree/sub/noise
truncate -s 64M a.raw
mkfs.ext4 -q -d tree a.raw
debugfs -R 'rdump / out1' a.raw 2>/dev/null
sha256sum a.raw >before

expect_status 0 "$VHDTOOL" info --json a.raw
expect_json '.format == "raw" and .type == "fixed" and .virtual_size == 67108864 and
    .log == "none" and .filesystem.type == "ext4"'
expect_status 0 "$VHDTOOL" expand --dry-run --json a.raw 10G
expect_json '.after.file_size == 10737418240'
sha256sum --quiet -c before || fail "a dry run wrote"

expect_status 0 "$VHDTOOL" expand --json a.raw 10G
expect_json '.after.virtual_size == 10737418240 and .after.file_size == 10737418240 and
    .bytes_written < 20000000'
[ "$(stat -c %s a.raw)" = 10737418240 ] || fail "the size is $(stat -c %s a.raw)"
[ "$(stat -c '%b' a.raw)" -lt 100000 ] || fail "it isn't sparse"
fsck_clean a.raw
debugfs -R 'rdump / out2' a.raw 2>/dev/null
diff -r out1 out2 || fail "another tree"

# Somebody else made the file longer: the filesystem follows.
truncate -s 11G a.raw
expect_status 0 "$VHDTOOL" expand a.raw
fsck_clean a.raw
"$VHDTOOL" info --json a.raw >stdout
expect_json '.filesystem.size == 11811160064'
expect_status 0 "$VHDTOOL" expand a.raw +1G
fsck_clean a.raw
[ "$(echo a.raw*)" = a.raw ] || fail "something was left: $(echo a.raw*)"

# What is on the disk and no ext4 is left alone.
truncate -s 40M b.img
printf 'noise' | dd of=b.img bs=1 seek=5000 conv=notrunc status=none
sha256sum b.img | cut -d ' ' -f 1 >before
expect_status 0 "$VHDTOOL" expand b.img 50M
[ "$(head -c 40M b.img | sha256sum | cut -d ' ' -f 1)" = "$(cat before)" ] || fail "other bytes"
[ "$(stat -c %s b.img)" = $((50 << 20)) ] || fail "another size"
