# e2undo with the file that -z writes gives back the image as it was, to the last byte, and a file
# that was cut its size.
# resize2fs 1.47.0: with -z, growing and -s leave a wrong resize inode; and what a file loses
# that is cut isn't in the undo file.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need e2undo

make_raw old.raw 64M -b 1024 -d "$TESTS/cli"
e2fsck -fy old.raw >/dev/null 2>&1 || [ $? = 1 ]

# undo COMPARE-OPTIONS WORD...: resizes a copy with these words, "a.raw" among them.
undo() {
    cp --sparse=always old.raw a.raw
    resize -z undo.e2undo "${@:2}"
    fsck_clean a.raw
    ! cmp -s old.raw a.raw || fail "${*:2} changed nothing"
    e2undo undo.e2undo a.raw >e2undo.log 2>&1 || { cat e2undo.log && fail "e2undo after ${*:2}"; }
    # shellcheck disable=SC2086 # words of a command line
    cmp $1 old.raw a.raw || fail "another image after ${*:2} and e2undo"
    rm a.raw undo.e2undo
}

undo "" -s a.raw
undo "" a.raw 30M
undo "" -M a.raw
undo "--bytes=$((64 << 20))" a.raw 100M # e2undo doesn't cut a file
truncate -s 1G old.raw
undo "" a.raw 100M
undo "" a.raw 1G
undo "" a.raw 800M
