# SIGINT and SIGTERM leave no file, and the command says so.
. "$TESTS/support/lib.sh"

mkdir tree
head -c 400M /dev/zero | tr '\0' 'x' >tree/file
for signal in INT TERM; do
    "$VHDTOOL" create a.vhdx 1G --from tree >stdout 2>stderr &
    job=$!
    until ls a.vhdx.* >/dev/null 2>&1; do
        kill -0 "$job" 2>/dev/null || fail "it was over before the signal: $(cat stderr)"
    done
    kill "-$signal" "$job"
    status=0
    wait "$job" || status=$?
    [ "$status" = 1 ] || fail "status $status after SIG$signal: $(cat stderr)"
    expect_in stderr 'interrupted.*no image was made'
    ! ls a.vhdx* >/dev/null 2>&1 || fail "left: $(ls)"
done
