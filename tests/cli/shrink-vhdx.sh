# Filesystem, disk and file get smaller; the files stay, and others find no fault.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq dumpe2fs
cd "$MEMORY"

for options in '' '-b 1024' '-O ^has_journal' '-t ext2'; do
    rm -f a.raw a.vhdx
    # shellcheck disable=SC2086
    make_half_deleted a.raw 400M $options
    to_vhdx a.raw a.vhdx
    files_of a.raw >before
    size=$(stat -c %s a.vhdx)
    expect_status 0 "$VHDTOOL" shrink --json a.vhdx 100M
    expect_json ".before == {virtual_size: 419430400, file_size: $size, filesystem_size: 419430400}"
    expect_json ".after == {virtual_size: 104857600, file_size: $(stat -c %s a.vhdx), filesystem_size: 104857600}"
    [ "$(stat -c %s a.vhdx)" -lt $((size - (10 << 20))) ] || fail "the file has $(stat -c %s a.vhdx) bytes"
    check_vhdx a.vhdx
    [ "$(stat -c %s judged.raw)" = 104857600 ] || fail "the disk has $(stat -c %s judged.raw) bytes"
    cmp before judged || fail "$options: other files"
    expect_status 0 "$VHDTOOL" compact --json a.vhdx
    expect_json '.given_back == 0'
    expect_status 0 "$VHDTOOL" expand a.vhdx 1G
    check_vhdx a.vhdx
    cmp before judged || fail "$options: other files after growing"
done
