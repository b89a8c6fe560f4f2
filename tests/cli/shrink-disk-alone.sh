# Where the filesystem is smaller than the disk, the disk alone shrinks down to it; and then the
# filesystem with it. Of what lay behind an end, nothing is in the way the next time.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq
cd "$MEMORY"

make_half_deleted a.raw 200M
files_of a.raw >before
truncate -s 400M a.raw
to_vhdx a.raw a.vhdx
cp --sparse=always a.raw b.raw
for image in a.vhdx b.raw; do
    expect_status 0 "$VHDTOOL" shrink --dry-run --json $image 300M
    expect_json '.file_size_exact and .after.virtual_size == 314572800'
    cp stdout planned
    expect_status 0 "$VHDTOOL" shrink --json $image 300M
    expect_json '.before.filesystem_size == 209715200 and .after.filesystem_size == 209715200'
    jq -se '.[0].after == .[1].after' planned stdout >/dev/null || fail "planned $(cat planned), done $(cat stdout)"
    expect_status 0 "$VHDTOOL" shrink --json $image 200M
    expect_json '.after.virtual_size == 209715200 and .after.filesystem_size == 209715200'
    # One group and a bit of the next, which is too little for a group.
    expect_status 0 "$VHDTOOL" shrink --json $image $(((128 << 20) + 40960))
    expect_json '.after.virtual_size == 134258688 and .after.filesystem_size == 134217728'
    expect_status 0 "$VHDTOOL" shrink $image 100M
done
fsck_clean b.raw
files_of b.raw | cmp - before || fail "other files in the raw image"
check_vhdx a.vhdx
cmp before judged || fail "other files"
