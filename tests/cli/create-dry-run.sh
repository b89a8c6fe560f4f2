# --dry-run prints the plan and makes nothing.
. "$TESTS/support/lib.sh"
need jq

expect_status 0 "$VHDTOOL" create --dry-run a.vhdx 1.5G --ext4
expect_in stdout 'a.vhdx.* 1.50 GiB'
expect_status 0 "$VHDTOOL" create --dry-run a.vhdx 1.5G --ext4 --json
expect_json '.dry_run and .virtual_size == 1610612736 and .filesystem.type == "ext4"'
[ "$(ls -A)" = "stderr
stdout" ] || fail "something was made: $(ls -A)"
