# The undo file (-z): where it goes, where there can't be one, and what it is when nothing or not
# everything was done.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mkfs.ext4 e2undo cmp

truncate -s 64M old
mkfs.ext4 -q -F -b 1024 old
cp old a

# What is there isn't overwritten; an empty file is nothing.
echo precious >undo
expect_status 1 "$EXT4RESIZE" -z undo a 100M
expect_in stderr '^ext4resize: a: the undo file undo: it exists already .*untouched$'
[ "$(cat undo)" = precious ] || fail "the file was overwritten"
expect_status 1 "$EXT4RESIZE" -z a a 100M
cmp old a
: >empty
expect_status 0 "$EXT4RESIZE" -z empty a 100M
expect_in stdout '^    e2undo empty a$'
expect_in stdout 'truncate -s 67108864'
e2undo empty a >/dev/null 2>&1 || fail "e2undo"
truncate -s 67108864 a
cmp old a

# Nothing to do, or nothing done: no undo file, and no trace of one.
expect_status 0 "$EXT4RESIZE" -z none a 64M
expect_status 1 "$EXT4RESIZE" -z none a 1K
expect_status 0 "$EXT4RESIZE" -z none --dry-run a 100M
expect_status 0 "$EXT4RESIZE" -z none -P a
expect_status 1 "$EXT4RESIZE" -z nowhere/none a 100M
[ -z "$(ls -d none* nowhere* 2>/dev/null)" ] || fail "an undo file of nothing"
cmp old a

# One file can't undo what came after it.
expect_status 0 "$EXT4RESIZE" -z first a 100M
expect_status 0 "$EXT4RESIZE" -z second a 40M
! e2undo first a >/dev/null 2>&1 || fail "e2undo takes them in any order"
e2undo second a >/dev/null 2>&1 || fail "e2undo of the second"
e2undo first a >/dev/null 2>&1 || fail "e2undo of the first"
truncate -s 67108864 a
cmp old a

# Without a name.
mkdir folder
E2FSPROGS_UNDO_DIR=folder expect_status 0 "$EXT4RESIZE" -z '' ./a 100M
e2undo folder/resize2fs-a.e2undo a >/dev/null 2>&1 || fail "e2undo of the folder's"
truncate -s 67108864 a
cmp old a
E2FSPROGS_UNDO_DIR= expect_status 0 "$EXT4RESIZE" -z '' a 100M
expect_in stderr '^No undo file is written'
[ "$(ls folder)" = resize2fs-a.e2undo ] || fail "another undo file"

# Other formats have no place of their own for each byte of the disk.
"$VHDTOOL" create -q a.vhdx 64M --ext4
sha256sum a.vhdx >before
expect_status 1 "$EXT4RESIZE" -z none a.vhdx 100M
expect_in stderr 'undo file .* raw image .* vhdx; the image is untouched$'
sha256sum --quiet -c before
[ ! -e none ] || fail "an undo file of a VHDX"
