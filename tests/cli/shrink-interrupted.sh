# SIGINT and SIGTERM, whenever they come, leave a valid image of the old size or the new one, of which
# the message tells the truth; running it again goes on to the end.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need timeout jq
cd "$MEMORY"

make_half_deleted a.raw 400M
to_vhdx a.raw old.vhdx
files_of a.raw >before
for delay in 0.003 0.01 0.02 0.04 0.08; do
    for signal in INT TERM; do
        cp old.vhdx a.vhdx
        status=0
        timeout --preserve-status -s $signal $delay "$VHDTOOL" shrink a.vhdx 60M >stdout 2>stderr || status=$?
        # Before main has set its handlers the signal ends the process: nothing was begun.
        case $status:$("$VHDTOOL" info --json a.vhdx | jq .virtual_size):$(cat stderr) in
        0:62914560: | 130:419430400: | 143:419430400:) ;;
        1:419430400:*untouched* | 1:419430400:*old\ size*) ;;
        1:62914560:*new\ size*) ;;
        *) fail "status $status: $(cat stderr)" ;;
        esac
        check_vhdx a.vhdx
        cmp before judged || fail "other files after $signal at $delay"
        expect_status 0 "$VHDTOOL" shrink a.vhdx 60M
        size=$(stat -c %s a.vhdx)
        expect_status 0 "$VHDTOOL" compact a.vhdx
        [ "$(stat -c %s a.vhdx)" = "$size" ] || fail "it didn't go on to the end: $size bytes"
        check_vhdx a.vhdx
        cmp before judged || fail "other files after going on"
    done
done
