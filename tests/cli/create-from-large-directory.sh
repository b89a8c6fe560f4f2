# create --from makes a folder of tens of thousands of names, indexed, in seconds; every name is
# found by its path, and the kernel can add to it and take from it.
. "$TESTS/support/lib.sh"
need_mount
need debugfs

mkdir -p tree/large
(cd tree/large && seq -f 'a-name-that-is-not-too-short-%06.0f' 30000 | xargs touch)

for size in 256M 1G; do # blocks of 1 and of 4 KiB
    start=$SECONDS
    "$VHDTOOL" create -q $size.vhdx $size --from tree
    [ $((SECONDS - start)) -le 30 ] || fail "it took $((SECONDS - start)) seconds"
    to_raw $size.vhdx $size.raw
    fsck_clean $size.raw
    debugfs -R 'htree_dump /large' $size.raw 2>/dev/null | grep -q 'Hash Version' ||
        fail "the folder isn't indexed"
    mount_raw $size.raw mounted-$size
    (cd tree/large && find . -type f | sort) >names
    (cd mounted-$size/large && xargs stat -c %n <../../names) >found || fail "names are missing"
    cmp names found || fail "names differ"
    (cd mounted-$size/large && find . -type f | sort) | cmp - names || fail "the list differs"
    (cd mounted-$size/large && rm a-name*00 && seq -f 'new-%g' 3000 | xargs touch)
    umount mounted-$size
    fsck_clean $size.raw
done
