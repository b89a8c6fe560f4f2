# Every feature that changes what inodes, directories and blocks look like, in all kinds of steps.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize-matrix.sh"

while read -r words; do
    while read -r size moves; do
        # shellcheck disable=SC2086 # words of a command line
        resize_case "$words" "$size" $moves
    done <<'STEPS'
130M 131M 129M 160M 110M -M
120M 1G 100M 120M
150M groups+60 groups-60 200M min+40 150M
STEPS
done <<'LAYOUTS'
-t ext2 -b 1024
-t ext2 -b 1024 -I 128
-t ext2 -b 4096 -I 128 -O ^sparse_super,^resize_inode
-t ext3 -b 1024
-t ext3 -b 2048 -I 128
-t ext3 -b 4096 -O meta_bg,^resize_inode
-b 1024 -O ^extent,^64bit
-b 1024 -O inline_data
-b 4096 -O inline_data,metadata_csum_seed
-b 1024 -O ea_inode
-b 4096 -O ea_inode,inline_data,^metadata_csum
-b 1024 -O ea_inode,^flex_bg
-b 1024 -O metadata_csum_seed
-b 1024 -O large_dir
-b 1024 -O quota
-b 1024 -O quota,project
-b 4096 -O casefold
-b 1024 -O casefold,large_dir
-b 1024 -O orphan_file
-b 4096 -O orphan_file,^resize_inode
-b 1024 -O orphan_file -E orphan_file_size=65536
-b 1024 -O fast_commit
-b 1024 -O ^dir_index
-b 1024 -O ^filetype
-b 1024 -O ^extra_isize
-b 1024 -O ^large_file,^huge_file
-b 1024 -O ^ext_attr
-b 4096 -O bigalloc
-b 1024 -O bigalloc -C 16384
-b 1024 -O bigalloc -C 2048
-b 4096 -O bigalloc,^resize_inode -C 32768
-b 4096 -O bigalloc,sparse_super2 -C 16384
-b 2048 -O bigalloc,^flex_bg -C 8192 -i 32768
-b 4096 -O bigalloc,inline_data,ea_inode -C 8192
-b 1024 -O bigalloc,meta_bg,^resize_inode -C 8192
-b 4096 -O bigalloc,quota
-b 1024 -O bigalloc,^64bit,^metadata_csum -C 8192
LAYOUTS

# Opening one of these takes seconds.
resize_case "-b 1024 -O mmp -E mmp_update_interval=1" 64M 200M 40M
resize_case "-b 4096 -O mmp,^resize_inode -E mmp_update_interval=1" 128M 2G 100M
resize_done
