# SIGINT and SIGTERM, whenever they come, leave the old image or the new one, whole.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need qemu-img timeout
# In memory where that is there: it is the syncs that take time here.
if scratch=$(mktemp -d /dev/shm/vhdtool-test.XXXXXX 2>/dev/null); then
    at_exit 'rm -rf "$scratch"'
    cd "$scratch"
fi

"$VHDTOOL" create -q first.vhdx 64M --ext4
for delay in 0.001 0.002 0.005 0.01 0.02 0.04 0.08; do
    for signal in INT TERM; do
        cp first.vhdx a.vhdx
        status=0
        timeout --preserve-status -s $signal $delay "$VHDTOOL" expand a.vhdx 100G >stdout 2>stderr ||
            status=$?
        # Before main has set its handlers the signal ends the process: nothing was begun.
        case $status in
        0 | 1 | 130 | 143) ;;
        *) fail "status $status after $delay s: $(cat stderr)" ;;
        esac
        qemu-img check -q a.vhdx || fail "qemu-img finds fault after $signal at $delay s"
        case $("$VHDTOOL" info --json a.vhdx) in
        *'"virtual_size":67108864,'*) [ "$status" != 0 ] || fail "status 0 and the old size" ;;
        *'"virtual_size":107374182400,'*) ;;
        *) fail "another size after $signal at $delay s" ;;
        esac
        expect_status 0 "$VHDTOOL" expand -q a.vhdx +1M
    done
done
to_raw a.vhdx a.raw
fsck_clean a.raw
