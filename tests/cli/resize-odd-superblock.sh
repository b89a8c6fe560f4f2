# Numbers in the superblock that e2fsck takes for a corrupt one are refused, whatever they are for,
# before anything is written.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"

while read -r field value; do
    make_raw a.raw 16M -O ^metadata_csum
    debugfs -w -R "set_super_value $field $value" a.raw 2>debugfs.log
    cp a.raw before.raw
    for size in 8M 64M; do
        expect_status 1 "$RESIZE" a.raw "$size"
        expect_in stderr "$value"
        cmp a.raw before.raw
    done
    rm a.raw
done <<'FIELDS'
r_blocks_count 2000000
first_ino 7
first_ino 500000
FIELDS
