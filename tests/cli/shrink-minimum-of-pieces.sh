# A file in small pieces takes fewer blocks once it lies in a row: the plan counts with that, and
# nothing is left to gain afterwards.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need_mount
need jq
cd "$MEMORY"

make_raw a.raw 64M -b 1024 -g 8192
mount_raw a.raw tree
fill_up tree
truncate -s -150K tree/wall/0 # room for extent trees
sync -f tree
read -r start length < <(last_extent tree/wall/0)
"$TESTS/support/write-in-pieces.py" tree/wall/0 $((start + length)) tree/pieces 3000 1024 1
rm -r tree/wall
(cd tree && sha256sum pieces) >sums
umount tree
e2fsck -fy a.raw >/dev/null 2>&1 || [ $? = 1 ]

expect_status 0 "$VHDTOOL" shrink --dry-run --json a.raw min
expect_json '.file_size_exact'
cp stdout planned
expect_status 0 "$VHDTOOL" shrink --json a.raw min
jq -se '.[0].after == .[1].after' planned stdout >/dev/null ||
    fail "another size than planned: $(cat planned)"
expect_status 0 "$VHDTOOL" shrink a.raw min
expect_in stdout 'has that size already'
fsck_clean a.raw
mount_raw a.raw tree ro
(cd tree && sha256sum --quiet -c ../sums) || fail "other contents"
