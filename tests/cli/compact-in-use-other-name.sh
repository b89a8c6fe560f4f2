# A mounted raw image is refused also where the name that the loop device was given is gone, and by a
# name that it has elsewhere.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need_mount
need sha256sum
cd "$MEMORY"

make_half_deleted first.raw 100M
ln first.raw second.raw
mount_raw first.raw mounted
rm first.raw
sha256sum second.raw >before
for command in 'compact --punch second.raw' 'shrink second.raw min' 'expand second.raw 200M'; do
    # shellcheck disable=SC2086 # words of a command line
    expect_status 3 "$VHDTOOL" $command
    expect_in stderr '^vhdtool: second.raw: the image is in use: /dev/loop[0-9]* .*untouched'
done
sha256sum --quiet -c before || fail "the file was changed"
umount mounted
for _ in $(seq 50); do
    "$VHDTOOL" compact -q --punch second.raw 2>/dev/null && exit 0
    sleep 0.05
done
fail "it isn't compacted afterwards: $("$VHDTOOL" compact --punch second.raw 2>&1)"
