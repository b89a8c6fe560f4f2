# min makes the disk as small as the filesystem can be; again, there is nothing to do, and a smaller
# size is refused, with the minimum.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need jq sha256sum
cd "$MEMORY"

for options in '' '-b 1024' '-b 1024 -O ^resize_inode'; do
    for image in a.raw a.vhdx; do
        rm -f a.raw a.vhdx
        # shellcheck disable=SC2086
        make_half_deleted a.raw 400M $options
        files_of a.raw >before
        [ $image = a.raw ] || to_vhdx a.raw a.vhdx
        expect_status 0 "$VHDTOOL" shrink --json $image min
        expect_json '.after.virtual_size - .after.filesystem_size | . >= 0 and . < 512'
        expect_json '.after.virtual_size < 80000000'
        minimum=$(jq .after.filesystem_size stdout)
        if [ $image = a.raw ]; then
            fsck_clean a.raw
            files_of a.raw >judged
        else
            check_vhdx a.vhdx
        fi
        cmp before judged || fail "$options: other files"
        sha256sum $image >sum
        for size in min "$minimum"; do
            expect_status 0 "$VHDTOOL" shrink $image "$size"
            expect_in stdout 'has that size already'
        done
        for size in $((minimum - 1024)) 1M 1 0; do
            expect_status 3 "$VHDTOOL" shrink $image "$size"
            expect_in stderr "^vhdtool: $image: .*minimum.* $minimum bytes.*; the image is untouched"
        done
        sha256sum --quiet -c sum || fail "the file was changed"
    done
done
