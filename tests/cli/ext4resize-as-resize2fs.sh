# On copies of one image, resize2fs and ext4resize end with the same status, say the same, and leave
# files of the same length with filesystems of the same size.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need resize2fs mkfs.ext4

# What is said, without the banner and the program's name; of what went wrong, without what ext4resize
# adds to it.
essence() {
    sed -e '/^\(resize2fs\|ext4resize\) [0-9]/d' -e 's/^[a-z0-9/_-]*: \(b: \)\?//' \
        -e 's/; the image is .*//' -e 's/\.$//' -e '/^$/d' "$@" | sort
}

# both WORDS...: the image is called b.
both() {
    local status=0 expected=0

    cp a b
    resize2fs "$@" >stdout 2>stderr </dev/null || expected=$?
    essence stdout stderr >theirs
    stat -c %s b >their-facts
    blocks_of b >>their-facts
    cp a b
    "$EXT4RESIZE" "$@" >stdout 2>stderr </dev/null || status=$?
    essence stdout stderr >ours
    stat -c %s b >our-facts
    blocks_of b >>our-facts
    [ "$status" = "$expected" ] || fail "status $status (that of resize2fs: $expected) of: $*"
    diff their-facts our-facts || fail "another size than resize2fs makes (<) of: $*"
    fsck_clean b
}
same_words() {
    both "$@"
    diff theirs ours || fail "other words than those of resize2fs (<) of: $*"
}

for block_size in 1024 4096; do
    truncate -s 100M a
    mkfs.ext4 -q -F -b $block_size a 50M
    same_words b
    same_words b 60M
    same_words -f b 60m
    same_words b 61440K
    same_words b 61441k
    same_words b 0x4000 # with blocks of 4 KiB: nothing of the file is left out
    same_words b 040000
    same_words b 122880s
    same_words b 1G
    both 70M b # a file of that name is looked for
    same_words b 51200K
    same_words b 50M
    same_words -f b 50M
    same_words b 0
    same_words b 1.5M
    same_words b 60P
    same_words b 60MB
    same_words b 60S
    same_words b ''
    same_words -b -s b
    same_words -b b
    same_words -S 8 b 60M
    same_words -S 99999 b 60M
    # resize2fs moves nothing here, and has no bar either.
    same_words -p b 60M
done

# What resize2fs takes for 60M may have been meant otherwise.
cp a b
expect_status 1 "$EXT4RESIZE" b +60M
expect_in stderr '^ext4resize: b: Invalid new size: \+60M$'
cmp a b

# The line that tells how they are used differs in the name alone.
for words in '' '-x b' 'b 1 2' '-z' '-h' '-h b'; do
    # shellcheck disable=SC2086
    resize2fs $words >stdout 2>stderr </dev/null && fail "resize2fs takes: $words"
    expected=$(sed -n 's/^Usage: resize2fs //p' stderr)
    # shellcheck disable=SC2086
    expect_status 1 "$EXT4RESIZE" $words
    [ "$(sed -n 's/^Usage: ext4resize //p' stderr)" = "$expected" ] || fail "other usage of: $words"
    expect_empty stdout
done
