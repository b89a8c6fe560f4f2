# Of two that expand one image at the same time each does all of it or is refused, one at least
# does it, and the image is valid.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need qemu-img
# In memory where that is there: it is the syncs that take time here.
if scratch=$(mktemp -d /dev/shm/vhdtool-test.XXXXXX 2>/dev/null); then
    at_exit 'rm -rf "$scratch"'
    cd "$scratch"
fi

"$VHDTOOL" create -q first.vhdx 64M --ext4
refused=0
for round in $(seq 8); do
    cp first.vhdx a.vhdx
    "$VHDTOOL" expand a.vhdx 70G >out1 2>err1 &
    one=$!
    "$VHDTOOL" expand a.vhdx 90G >out2 2>err2 &
    two=$!
    status1=0 status2=0
    wait $one || status1=$?
    wait $two || status2=$?
    case $status1$status2 in
    00) ;;
    03) refused=$((refused + 1)) && expect_in err2 'in use|less than' ;;
    30) refused=$((refused + 1)) && expect_in err1 'in use|less than' ;;
    *) fail "round $round: $status1 and $status2: $(cat err1 err2)" ;;
    esac
    qemu-img check -q a.vhdx || fail "qemu-img finds fault"
done
to_raw a.vhdx a.raw
fsck_clean a.raw
echo "$refused of $round refused"
