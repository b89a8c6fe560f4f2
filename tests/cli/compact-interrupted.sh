# SIGINT and SIGTERM, whenever they come, leave a valid image with the same files, and the message
# says what state it is in; running it again goes on to the end.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need timeout jq
cd "$MEMORY"

make_half_deleted a.raw 300M
to_vhdx a.raw old.vhdx
files_of a.raw >before
cp old.vhdx a.vhdx
"$VHDTOOL" compact -q --deep a.vhdx
end=$(stat -c %s a.vhdx)
for delay in 0.003 0.01 0.02 0.04 0.08; do
    for signal in INT TERM; do
        cp old.vhdx a.vhdx
        status=0
        timeout --preserve-status -s $signal $delay "$VHDTOOL" compact --deep a.vhdx >stdout 2>stderr || status=$?
        # Before main has set its handlers the signal ends the process: nothing was begun.
        case $status:$(cat stderr) in
        0: | 130: | 143:) ;;
        1:*'interrupted by a signal; the image is '*) ;;
        *) fail "status $status: $(cat stderr)" ;;
        esac
        check_vhdx a.vhdx
        cmp before judged || fail "other files after $signal at $delay"
        expect_status 0 "$VHDTOOL" compact --deep a.vhdx
        check_vhdx a.vhdx
        cmp before judged || fail "other files after going on"
        now=$(stat -c %s a.vhdx)
        [ "$now" -le $((end + (2 << 20))) ] || fail "after $signal at $delay it ends at $now bytes, not $end"
    done
done
