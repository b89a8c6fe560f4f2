# Where a filesystem keeps its tables makes no difference: flex groups of all sizes and none,
# descriptors reserved, spread or neither, few copies and many.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize-matrix.sh"

resize_case "-b 4096 -G 4096" 300M 1G 200M -M 300M
resize_case "-b 1024 -G 4" 64M 200M 30M -M
resize_case "-b 1024 -O ^flex_bg" 64M 200M 30M -M 64M
resize_case "-b 4096 -O ^resize_inode" 150M 3G 100M -M
resize_case "-b 1024 -O meta_bg,^resize_inode" 64M 500M 30M -M
resize_case "-b 1024 -O meta_bg,^resize_inode,^flex_bg" 64M 100M 30M
resize_case "-b 1024 -O ^sparse_super,^resize_inode" 64M 100M 30M -M
resize_case "-b 1024 -O sparse_super2" 64M 200M 300M 30M 60M -M
resize_case "-b 1024 -O sparse_super2 -E num_backup_sb=1" 64M 30M 100M
resize_case "-b 1024 -O sparse_super2 -E num_backup_sb=0" 64M 100M 30M
resize_case "-b 1024 -E packed_meta_blocks=1" 64M 100M 30M -M
resize_case "-b 1024 -O ^flex_bg -E stride=16" 64M 100M 30M
resize_done
