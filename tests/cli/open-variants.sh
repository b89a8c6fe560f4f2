# shellcheck shell=bash
# VHDX files good and hostile, as samples/vhdx_writer.py makes them: the good ones can be read and
# grown without losing anything, the hostile ones are refused and left alone; and looking at any
# of them changes none.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need python3 qemu-img sha256sum timeout

writer() {
    python3 "$TESTS/../samples/vhdx_writer.py" "$@"
}

tool() {
    timeout 120 "$VHDTOOL" "$@"
}

# The first line names the image; a second one may say what can be done.
expect_message() {
    case $(wc -l <stderr) in
    1 | 2) ;;
    *)
        sed 's/^/stderr: /' stderr >&2
        fail "one sentence expected on stderr, and a remedy at most"
        ;;
    esac
    head -n 1 stderr | grep -qF -- "$1: " || fail "the message doesn't name $1: $(cat stderr)"
}

# check_opens IMAGE VIRTUAL_SIZE DIGEST
check_opens() {
    local image=$1 size=$2 digest=$3

    expect_status 0 tool info "$image"
    sha256sum --quiet -c before >/dev/null 2>&1 || fail "info changed the file"
    expect_status 0 tool expand "$image" +8M
    # QEMU doesn't know disks with logical sectors of 4096 bytes.
    [ "$image" != sectors-of-4096.vhdx ] || return 0
    qemu-img check -q "$image" >&2 || fail "QEMU finds fault after expand"
    qemu-img convert -f vhdx -O raw "$image" after.raw || fail "QEMU can't read it after expand"
    [ "$(stat -c %s after.raw)" = $((size + 8 * 1024 * 1024)) ] ||
        fail "the size after expand is $(stat -c %s after.raw)"
    [ "$(writer digest after.raw "$size")" = "$digest" ] || fail "the contents changed"
}

# check_reads IMAGE: it can be looked at, and not changed yet.
check_reads() {
    expect_status 0 tool info "$1"
    expect_status 3 tool expand --dry-run "$1" +8M
    expect_status 3 tool expand "$1" +8M
    expect_message "$1"
    sha256sum --quiet -c before >/dev/null 2>&1 || fail "the file was changed"
}

# check_refused IMAGE
check_refused() {
    local image=$1 status=0

    tool info "$image" >stdout 2>stderr </dev/null || status=$?
    [ "$status" -lt 124 ] || fail "info ended with status $status"
    expect_status 3 tool expand "$image" +8M
    expect_message "$image"
    sha256sum --quiet -c before >/dev/null 2>&1 || fail "the file was changed"
}

writer list >variants
[ "$(wc -l <variants)" -gt 100 ] || fail "the list of variants is short"
failures=0
while read -r name expectation size digest; do
    writer make "$name" "$name.vhdx"
    sha256sum "$name.vhdx" >before
    case $expectation in
    opens) (check_opens "$name.vhdx" "$size" "$digest") ;;
    reads) (check_reads "$name.vhdx") ;;
    *) (check_refused "$name.vhdx") ;;
    esac || {
        echo "variant $name ($expectation): see above" >&2
        failures=$((failures + 1))
    }
    rm -f "$name.vhdx" after.raw
done <variants
[ "$failures" = 0 ] || fail "$failures variants"
