# create makes an image that others read, with a filesystem that e2fsck finds nothing wrong with.
. "$TESTS/support/lib.sh"
need jq qemu-img e2fsck

expect_status 0 "$VHDTOOL" create empty.vhdx 1G
[ "$(qemu-img info --output=json empty.vhdx | jq '."virtual-size"')" = 1073741824 ] ||
    fail "QEMU sees another size"

expect_status 0 "$VHDTOOL" create a.vhdx 1G --ext4 --label=hello --json \
    --uuid=86539E70-49FC-4927-8000-52EEB7EB6FA1
expect_json '.path == "a.vhdx" and .virtual_size == 1073741824 and .filesystem.label == "hello"'
expect_json '.filesystem.uuid == "86539e70-49fc-4927-8000-52eeb7eb6fa1"'
expect_status 0 "$VHDTOOL" info --json a.vhdx
expect_json '.filesystem | .type == "ext4" and .label == "hello" and .state == "clean"'
expect_json '.filesystem | .uuid == "86539e70-49fc-4927-8000-52eeb7eb6fa1" and .size == 1073741824'
to_raw a.vhdx a.raw
fsck_clean a.raw

expect_status 0 "$VHDTOOL" create one.vhdx 1G --ext4 -q
expect_status 0 "$VHDTOOL" create two.vhdx 1G --ext4 -q
"$VHDTOOL" info --json one.vhdx two.vhdx >ids
[ "$(jq -r '.id, .filesystem.uuid' ids | sort -u | wc -l)" = 4 ] || fail "ids repeat: $(cat ids)"
