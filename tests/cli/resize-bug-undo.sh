# e2undo with the file that -z writes gives back the image as it was, to the last byte.
# resize2fs 1.47.0: right in these steps.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need e2undo

make_raw old.raw 64M -b 1024 -d "$TESTS/cli"
e2fsck -fy old.raw >/dev/null 2>&1 || [ $? = 1 ]
for size in 100M 30M 1G -M -s; do
    cp --sparse=always old.raw a.raw
    case $size in
    -*) resize -z undo.e2undo "$size" a.raw ;;
    *) resize -z undo.e2undo a.raw "$size" ;;
    esac
    fsck_clean a.raw
    ! cmp -s old.raw a.raw || fail "$size changed nothing"
    e2undo undo.e2undo a.raw >e2undo.log 2>&1 || { cat e2undo.log && fail "e2undo after $size"; }
    cmp old.raw a.raw || fail "another image after $size and e2undo"
    rm a.raw undo.e2undo
done
