# info --json has the fields that scripts rely on, all of them, in each image.
. "$TESTS/support/lib.sh"
need jq

"$VHDTOOL" create -q a.vhdx 5000001 --block-size=2M --sector-size=4096
before=$(sha256sum a.vhdx)
expect_status 0 "$VHDTOOL" info --json a.vhdx
expect_empty stderr
[ "$(wc -l <stdout)" = 1 ] || fail "one line expected: $(cat stdout)"
expect_json '(keys_unsorted | sort) == (["path", "format", "type", "virtual_size", "file_size",
    "allocated_size", "block_size", "logical_sector_size", "physical_sector_size", "id", "log",
    "creator", "parent", "chain", "reclaimable_size", "partition_table", "partitions",
    "filesystem"] | sort)'
expect_json '.path == "a.vhdx" and .format == "vhdx" and .type == "dynamic"'
expect_json '.virtual_size == 5001216 and .block_size == 2097152'
expect_json '.logical_sector_size == 4096 and .physical_sector_size == 4096'
expect_json ".file_size == $(stat -c %s a.vhdx) and .allocated_size == $(($(stat -c %b a.vhdx) * 512))"
expect_json '.id | test("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")'
expect_json '.log == "clean" and .parent == null and .chain == ["a.vhdx"]'
expect_json '.reclaimable_size == null and .partition_table == null and .partitions == []'
expect_json '.filesystem == null'
[ "$(sha256sum a.vhdx)" = "$before" ] || fail "info changed the image"
