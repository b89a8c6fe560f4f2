# Everything about a filesystem that speaks against changing it: each ends with status 3, a
# sentence that names object and value, and the file as it was.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mke2fs debugfs qemu-img sha256sum
# In memory where that is there: it is the syncs that take time here.
if scratch=$(mktemp -d /dev/shm/vhdtool-test.XXXXXX 2>/dev/null); then
    at_exit 'rm -rf "$scratch"'
    cd "$scratch"
fi

# check SENTENCE MKFS_OPTIONS REQUEST...: debugfs's requests spoil the filesystem; "poke OFFSET
# BYTES" writes bytes (as printf has them) into the raw file.
check() {
    local sentence=$1 options=$2 request

    shift 2
    if [ ! -e "base$options" ]; then
        truncate -s 16M "base$options"
        # shellcheck disable=SC2086
        mke2fs -q -t ext4 -b 1024 $options "base$options" 2>/dev/null
    fi
    cp --sparse=always "base$options" a.raw
    for request in "$@"; do
        case $request in
        poke*)
            # shellcheck disable=SC2086
            set -- $request
            # shellcheck disable=SC2059
            printf "$3" | dd of=a.raw bs=1 seek="$2" conv=notrunc status=none
            ;;
        *) debugfs -w -R "$request" a.raw >/dev/null 2>&1 ;;
        esac
    done
    qemu-img convert -O vhdx a.raw a.vhdx
    sha256sum a.vhdx >before
    expect_status 3 "$VHDTOOL" expand a.vhdx 40M
    expect_empty stdout
    expect_in stderr "^vhdtool: a.vhdx: .*$sentence.*; the image is untouched"
    sha256sum --quiet -c before || fail "the file was changed"
}

# A line of its own for what has no checksums that would be found first.
bare='-O ^metadata_csum,^uninit_bg,^has_journal'

# The table of refusals.
check 'incompatible .*0x40000000' "$bare" 'ssv feature_incompat 0x400002c2'
check 'unknown .*0x1000000\)' "$bare" 'ssv feature_ro_compat 0x1000001'
check 'external journal' "$bare" 'ssv feature_incompat 0xca'
check 'journal lies on another device' '' 'ssv journal_inum 0'
check 'having errors' '' 'ssv state 2'
check 'not unmounted' '' 'ssv state 0'
check '64 reserved descriptor blocks' "$bare,^resize_inode" 'ssv reserved_gdt_blocks 64'
check '16385 blocks, which is more' "$bare" 'ssv blocks_count 16385'

# Multiple-mount protection.
check 'journal lies on another device' '-O mmp,^metadata_csum' 'ssv journal_inum 0'
block=$(debugfs -R dump_mmp 'base-O mmp,^metadata_csum' 2>/dev/null | sed -n 's/^block_number: //p')
check 'multiple-mount protection .*0x12345678' '-O mmp,^metadata_csum' \
    "poke $((block * 1024 + 4)) \\170\\126\\064\\022"

# The superblock's numbers.
check 's_log_block_size is 9 \(0 to 6' "$bare" 'poke 1048 \011'
check 's_inode_size is 100' "$bare" 'ssv inode_size 100'
check 's_desc_size is 48' "$bare" 'ssv desc_size 48'
check 's_inodes_per_group is 2047' "$bare" 'ssv inodes_per_group 2047'
check 's_clusters_per_group is 9000' "$bare" 'ssv clusters_per_group 9000'
check 's_blocks_per_group is 4096' "$bare" 'ssv blocks_per_group 4096'
check 's_first_data_block is 0' "$bare" 'ssv first_data_block 0'
check 's_blocks_count is 0' "$bare" 'ssv blocks_count 0'
check 's_inodes_count is 4095' "$bare" 'ssv inodes_count 4095'
check 's_first_meta_bg is 9' "$bare,^resize_inode,meta_bg" 'ssv first_meta_bg 9'
check 's_reserved_gdt_blocks is 1000' "$bare" 'ssv reserved_gdt_blocks 1000'
check 's_log_groups_per_flex is 77' "$bare" 'ssv log_groups_per_flex 77'
check 'Superblock checksum' '' 'poke 1144 X'

# Descriptors: that of group 1 begins at byte 2112, that of group 0 at 2048.
check 'group 1 has a wrong checksum' '' 'poke 2122 \001'
check 'group 1 is all zeros' "$bare" \
    'poke 2112 \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
check 'group 1 has its block bitmap outside .*65535' "$bare" 'poke 2112 \377\377\0\0'
check 'group 1 has its inode bitmap outside .*0' "$bare" 'poke 2116 \0\0\0\0'
check 'group 1 has its inode table outside .*16383' "$bare" 'poke 2120 \377\077\0\0'
check 'group 1 has its block bitmap outside' "$bare,^flex_bg" 'poke 2112 \100\0\0\0'
check 'group 0 has a table on another, or on its descriptors' "$bare" 'poke 2112 \005\0\0\0'
check 'group 1 has more free clusters than it has: 9000' "$bare" 'poke 2124 \050\043'
check 'group 1 has more free inodes than it has: 9000' "$bare" 'poke 2126 \050\043'
check 'group 1 has more unused inodes than it has: 9000' '-O ^metadata_csum,uninit_bg' \
    'set_bg 1 itable_unused 9000' 'set_bg 1 checksum calc'

# Bitmaps, and the counts of those that are implied.
check 'group 1 has 77 free clusters .*in its bitmap' "$bare" 'poke 2124 \115\0'
check 'group 1 has 77 free inodes .*in its bitmap' "$bare" 'poke 2126 \115\0'
check 'group 1 has 77 free inodes .*2048 in its bitmap' '-O ^metadata_csum,uninit_bg' \
    'set_bg 1 free_inodes_count 77' 'set_bg 1 checksum calc'
bitmap=$(debugfs -R stats base 2>/dev/null |
    sed -n 's/.*Group  0: block bitmap at \([0-9]*\), inode bitmap at \([0-9]*\),.*/\1 \2/p')
check 'block bitmap of group 0 has a wrong checksum' '' "poke $((${bitmap% *} * 1024 + 900)) \\007"
check 'inode bitmap of group 0 has a wrong checksum' '' "poke $((${bitmap#* } * 1024 + 100)) \\007"

# The resize inode.
check 'resize inode \(7\) is damaged: it has other blocks' '' 'sif <7> block[0] 99'
check 'double-indirect block lies outside' '' 'sif <7> block[DIND] 99999'
check 'resize inode \(7\) is damaged: its count' '' 'sif <7> blocks 2'
check 'double-indirect block is free' '' 'sif <7> block[DIND] 3000'
check 'double-indirect block lies among descriptors' '' 'sif <7> block[DIND] 3'
check "double-indirect block is some group's table" '' "sif <7> block[DIND] ${bitmap#* }"
indirect=$(debugfs -R 'stat <7>' base 2>/dev/null | sed -n 's/.*(DIND):\([0-9]*\).*/\1/p' | head -n 1)
check 'double-indirect block names others' '' "poke $((indirect * 1024 + 40)) \\001"
check 'reserved blocks list others' "$bare" 'poke 4096 \001\001\001\001'
