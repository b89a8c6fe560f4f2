# info lists the partitions of both kinds of table, logical ones too.
. "$TESTS/support/lib.sh"
need jq qemu-img sfdisk

# table RAW: sfdisk's script comes from stdin.
table() {
    truncate -s 100M "$1.raw"
    sfdisk -q "$1.raw"
    qemu-img convert -O vhdx "$1.raw" "$1.vhdx"
    expect_status 0 "$VHDTOOL" info --json "$1.vhdx"
    expect_json '.filesystem == null'
}

table mbr <<'X'
label: dos
size=10M, type=83
size=10M, type=7
type=5
size=10M, type=83
size=20M, type=82
X
expect_json '.partition_table == "mbr"'
expect_json '[.partitions[].number] == [1, 2, 3, 5, 6]'
expect_json '[.partitions[].type] == ["0x83", "0x07", "0x05", "0x83", "0x82"]'
expect_json '.partitions[0] == {number: 1, start: 1048576, size: 10485760, type: "0x83", name: null,
    filesystem: null}'
expect_json '.partitions[4] | .start == 34603008 and .size == 20971520'

table gpt <<'X'
label: gpt
size=10M, type=U, name="EFI system"
size=10M, type=L
X
expect_json '.partition_table == "gpt"'
expect_json '.partitions[0] | .name == "EFI system" and .size == 10485760'
expect_json '.partitions[0].type == "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"'
expect_json '.partitions[1].number == 2 and (.partitions | length) == 2'
expect_status 0 "$VHDTOOL" info gpt.vhdx
expect_in stdout 'EFI system'
