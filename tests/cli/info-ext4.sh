# info tells what an ext4 filesystem that others made says of itself, as dumpe2fs does.
. "$TESTS/support/lib.sh"
need jq qemu-img mkfs.ext4 dumpe2fs debugfs

mkdir -p tree/etc tree/usr/lib
printf 'NAME=x\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n' >tree/usr/lib/os-release
ln -s ../usr/lib/os-release tree/etc/os-release
truncate -s 300M a.raw
mkfs.ext4 -q -L 'my label' -M /somewhere -d tree a.raw

as_image() {
    rm -f a.vhdx
    qemu-img convert -O vhdx a.raw a.vhdx
    expect_status 0 "$VHDTOOL" info --json a.vhdx
}
header() { dumpe2fs -h a.raw 2>/dev/null | sed -n "s/^$1: *//p"; }

as_image
expect_json '(.filesystem | keys_unsorted | sort) == (["type", "label", "uuid", "block_size", "size",
    "used_size", "free_size", "minimum_size", "inodes", "free_inodes", "state", "features",
    "last_mounted", "os"] | sort)'
expect_json '.filesystem | .type == "ext4" and .label == "my label" and .minimum_size == null'
expect_json ".filesystem.uuid == \"$(header 'Filesystem UUID')\""
block_size=$(header 'Block size')
expect_json ".filesystem | .block_size == $block_size and .size == $(header 'Block count') * $block_size"
expect_json ".filesystem.free_size == $(header 'Free blocks') * $block_size"
expect_json '.filesystem | .used_size + .free_size == .size'
expect_json ".filesystem | .inodes == $(header 'Inode count') and .free_inodes == $(header 'Free inodes')"
expect_json ".filesystem.features == (\"$(header 'Filesystem features')\" | split(\" \"))"
expect_json '.filesystem | .state == "clean" and .last_mounted == "/somewhere"'
expect_json '.filesystem.os == "Debian GNU/Linux 12 (bookworm)"'
expect_status 0 "$VHDTOOL" info a.vhdx
expect_in stdout 'Debian GNU/Linux 12'

debugfs -w -R 'ssv state 0' a.raw 2>/dev/null
as_image
expect_json '.filesystem.state == "dirty"'
debugfs -w -R 'ssv state 3' a.raw 2>/dev/null
as_image
expect_json '.filesystem.state == "errors"'
debugfs -w -R 'ssv state 1' a.raw 2>/dev/null
debugfs -w -R 'ssv feature_incompat 0x800002c6' a.raw 2>/dev/null # needs_recovery, one unknown
as_image
expect_json '.filesystem | .state == "dirty" and .os == null'
expect_json '.filesystem.features | index("needs_recovery") and index("FEATURE_I31")'

printf '\377' | dd of=a.raw bs=1 seek=1144 conv=notrunc status=none # the label; its checksum is wrong now
as_image
expect_json '.filesystem | .type == "ext4" and .state == "errors" and .size == null'
