# Every layout with every kind of step: a little, far beyond the reserve, a tiny last group.
. "$TESTS/support/lib.sh"
. "$TESTS/support/expand-layout.sh"

while read -r words; do
    while read -r old new; do
        # shellcheck disable=SC2086 # words of a command line
        expand_layout "$old" "$new" $words
    done <<'SIZES'
20M 30M
64M 3G
150M 151M
500M 700M
9M 17M
300M 65G
1G 5000M
260M 401100800
SIZES
done <<'LAYOUTS'
-b 1024
-b 2048
-b 4096
-b 4096 -I 128
-b 1024 -O ^flex_bg
-b 4096 -O ^resize_inode
-O ^64bit
-O ^metadata_csum
-O ^metadata_csum,uninit_bg
-O ^has_journal
-O sparse_super2
-O sparse_super2,^resize_inode
-O ^sparse_super,^resize_inode
-O bigalloc
-O bigalloc -b 1024 -C 16384
-O bigalloc,^resize_inode -C 32768
-O bigalloc,^flex_bg
-O bigalloc,sparse_super2
-G 4096
-G 4
-O meta_bg,^resize_inode
-O meta_bg,^resize_inode -b 1024
-O ^extent,^64bit,^flex_bg,^metadata_csum,^has_journal,^huge_file
-b 1024 -g 2048 -G 4096
-i 1024 -b 1024
-O orphan_file
-O inline_data,ea_inode,casefold,large_dir,quota
-O ^sparse_super,^resize_inode,^flex_bg,^metadata_csum,^64bit -b 1024
-O mmp
-E num_backup_sb=0 -O sparse_super2
-E num_backup_sb=1 -O sparse_super2
-E resize=1T
-O metadata_csum_seed
LAYOUTS
[ "$layouts_grown" -ge 250 ] || fail "only $layouts_grown layouts grew"
