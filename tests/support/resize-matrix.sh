# shellcheck shell=bash
# For tests that resize many kinds of ext4: sourced after lib.sh.
#
#     resize_case "-b 1024 -O ^flex_bg" 60M 70M 40M -M
#     resize_done
#
# Each case is a process of its own (resize-case.sh), so that one that fails doesn't hide what the
# others would have found. RESIZE: the program under test, with resize2fs's command line.
need mke2fs e2fsck dumpe2fs python3
need_mount

RESIZE=${RESIZE:-$(dirname "$VHDTOOL")/ext4resize}
export RESIZE
command -v "$RESIZE" >/dev/null || fail "no program $RESIZE"
case $RESIZE in
*/checked-resize2fs) export FSCK_OPTIONS="-E no_optimize_extents" ;; # it leaves trees wider than need be
esac

resize_cases=0
resize_failed=0

# resize_case "MKE2FS-WORDS" SIZE MOVE...: see resize-case.sh.
resize_case() {
    resize_cases=$((resize_cases + 1))
    bash "$TESTS/support/resize-case.sh" "$@" >case.log 2>&1 || {
        echo "not so: resize_case '$1' ${*:2}"
        sed 's/^/    /' case.log | tail -n 12
        resize_failed=$((resize_failed + 1))
    }
}

# Ends a test of cases.
resize_done() {
    [ "$resize_failed" = 0 ] || fail "$resize_failed of $resize_cases cases"
    [ "$resize_cases" -gt 0 ] || fail "no case"
}
