# Filesystems as they were made years ago: ext2 and ext3 with indirect blocks, without checksums,
# small inodes; and 32-bit block numbers to 64-bit ones and back.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize-matrix.sh"

resize_case "-t ext2 -b 1024 -I 128" 64M 200M 30M -M 64M
resize_case "-t ext3 -b 1024" 64M 200M 30M -M
resize_case "-t ext3 -b 4096 -I 128" 150M 300M 100M -M
resize_case "-b 1024 -O ^metadata_csum" 64M 200M 30M -M
resize_case "-b 1024 -O ^metadata_csum,uninit_bg" 64M 200M 30M -M 64M
resize_case "-b 4096 -O ^64bit" 150M 300M -b 100M -s 200M
resize_case "-b 1024 -O ^64bit,^flex_bg" 64M -b 100M -s 30M
resize_case "-b 4096 -O ^has_journal" 150M 300M 100M -M
resize_case "-b 4096 -O 64bit" 150M -s -b -M
resize_done
