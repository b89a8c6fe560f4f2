# Where the host hasn't the room that the image may come to need, it is refused with both numbers
# before anything is written; a size that fits is done.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need_root
need mount sha256sum

"$VHDTOOL" create -q a.vhdx 64M
mkdir small
mount -t tmpfs -o size=6M none small 2>/dev/null || skip "needs tmpfs mounts"
at_exit 'umount "$PWD/small"'
cp a.vhdx small/a.vhdx
sha256sum small/a.vhdx >before
expect_status 3 "$VHDTOOL" expand small/a.vhdx 2T
expect_in stderr '^vhdtool: small/a.vhdx: the host has [0-9.]+ MiB free .*[0-9.]+ MiB expected.*untouched'
sha256sum --quiet -c before || fail "the file was changed"
expect_status 0 "$VHDTOOL" expand small/a.vhdx 80M
