# A disk beyond the 64 TiB of VHDX is refused before anything is written, also by --dry-run.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need sha256sum

"$VHDTOOL" create -q a.vhdx 64M
sha256sum a.vhdx >before
for size in 64.1T 65T 100T 8191P +8191P 9223372036854775807; do
    for dry_run in '' --dry-run; do
        # shellcheck disable=SC2086
        expect_status 3 "$VHDTOOL" expand $dry_run a.vhdx "$size"
        expect_in stderr '64 TiB'
        sha256sum --quiet -c before || fail "expand $dry_run $size changed the file"
    done
done
