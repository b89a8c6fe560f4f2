# A script that knows resize2fs works with ext4resize under that name.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mkfs.ext4 e2fsck

mkdir bin
ln -s "$EXT4RESIZE" bin/resize2fs
cat >script <<'WORDS'
set -e
PATH=$PWD/bin:$PATH
e2fsck -fp "$1" >/dev/null
minimum=$(resize2fs -P "$1" 2>/dev/null | sed 's/.*: //')
[ "$minimum" -gt 0 ]
if resize2fs "$1" $((minimum - 1)) 2>err; then exit 3; fi
grep -q "New size smaller than minimum ($minimum)" err
resize2fs "$1" $((minimum + 1000))
resize2fs "$1" $((minimum + 1000)) 2>&1 | grep -q 'Nothing to do!'
if resize2fs "$1" 1000 2>err; then exit 3; fi
grep -q 'New size smaller than minimum' err
resize2fs -M "$1" 2>&1 | grep -q 'is now .* blocks long'
truncate -s 200M "$1"
resize2fs -p "$1" >/dev/null 2>&1
WORDS
truncate -s 100M a
mkfs.ext4 -q -F a
bash script a || fail "status $?"
fsck_clean a
[ "$(stat -c %s a)" = 209715200 ] || fail "not as long as it was made"
