# What the filesystem has free goes back to the host: the file gets shorter by the figure that is
# reported, the disk keeps its size, the files stay, and others find no fault.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq
cd "$MEMORY"

for options in '' '-b 1024' '-O bigalloc -C 65536' '-t ext3' '-t ext2'; do
    rm -f a.raw a.vhdx
    # shellcheck disable=SC2086
    make_half_deleted a.raw 300M $options
    to_vhdx a.raw a.vhdx
    files_of a.raw >before
    size=$(stat -c %s a.vhdx)
    expect_status 0 "$VHDTOOL" compact --json a.vhdx
    now=$(stat -c %s a.vhdx)
    [ "$now" -le $((size - (11 << 20))) ] || fail "$options: the file had $size bytes and has $now"
    expect_json ".given_back == $((size - now))"
    expect_json ".before.file_size == $size and .after.file_size == $now"
    expect_json '.before.virtual_size == 314572800 and .after.virtual_size == 314572800'
    expect_json '.before.filesystem_size == 314572800 and .after.filesystem_size == 314572800'
    check_vhdx a.vhdx
    cmp before judged || fail "$options: other files"
done
