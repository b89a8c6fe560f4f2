# Every layout that mke2fs makes can grow, and e2fsck finds nothing afterwards.
. "$TESTS/support/lib.sh"
. "$TESTS/support/expand-layout.sh"

expand_layout 20M 300M -b 1024
expand_layout 20M 1G -b 2048 -I 128
expand_layout 64M 3G -G 4096
expand_layout 64M 700M -b 1024 -O ^flex_bg
expand_layout 300M 40G -O ^resize_inode
expand_layout 64M 3G -O ^64bit
expand_layout 64M 3G -O ^metadata_csum
expand_layout 64M 3G -O ^metadata_csum,uninit_bg
expand_layout 500M 701M -O ^has_journal
expand_layout 300M 3G -O sparse_super2
expand_layout 20M 30G -O sparse_super2,^resize_inode
expand_layout 300M 3G -O ^sparse_super,^resize_inode
expand_layout 300M 9G -O bigalloc
expand_layout 64M 3G -O bigalloc -b 1024 -C 16384
expand_layout 64M 20G -O bigalloc,sparse_super2
expand_layout 64M 3G -O meta_bg,^resize_inode -b 1024
expand_layout 64M 3G -O ^extent,^64bit,^flex_bg,^metadata_csum,^has_journal,^huge_file
expand_layout 64M 300M -b 1024 -g 2048 -G 4096
expand_layout 64M 3G -O orphan_file,metadata_csum_seed
expand_layout 64M 3G -O inline_data,ea_inode,casefold,large_dir,quota,mmp
expand_layout 150M 151M
expand_layout 1G 257G -b 4096
[ "$layouts_grown" = 22 ] || fail "only $layouts_grown layouts grew"
