# A file that Hyper-V made reads as QEMU reads it, grows, and keeps its contents.
. "$TESTS/support/lib.sh"
need qemu-img bzip2

bunzip2 -c "$TESTS/../samples/hyperv-dynamic-1G.vhdx.bz2" >image.vhdx
to_raw image.vhdx before.raw
"$VHDTOOL" info --json image.vhdx >stdout
expect_json '.virtual_size == 1073741824 and .block_size == 33554432 and .log == "clean"'
"$VHDTOOL" expand image.vhdx 3T >stdout
expect_in stdout 'none: the disk alone grows'
"$VHDTOOL" info --json image.vhdx >stdout
expect_json '.virtual_size == 3298534883328'
qemu-img check -q image.vhdx
qemu-img dd -f vhdx -O raw if=image.vhdx of=after.raw bs=1M count=1024
cmp before.raw after.raw || fail "other contents"
