# A file that can't be written to is left alone (status 1: nothing to do with its contents), and
# --dry-run can plan on it.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need_root
need mount

mkdir sealed
mount -t tmpfs none sealed 2>/dev/null || skip "needs tmpfs mounts"
at_exit 'umount "$PWD/sealed"'
"$VHDTOOL" create -q sealed/a.vhdx 64M --ext4
mount -o remount,ro sealed
expect_status 1 "$VHDTOOL" expand sealed/a.vhdx 80M
expect_in stderr '^vhdtool: sealed/a.vhdx: .*untouched'
expect_status 0 "$VHDTOOL" expand --dry-run sealed/a.vhdx 80M
