# Block numbers of 64 bits and of 32: conversion keeps all else, also of layouts whose descriptors
# then need more blocks than there is room for.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize-matrix.sh"

while read -r words; do
    resize_case "$words -O ^64bit" 100M -b 200M 80M -s
    resize_case "$words -O 64bit" 100M -s 200M -b -M
done <<'LAYOUTS'
-b 1024
-b 2048
-b 4096
-b 1024 -g 1024
-b 1024 -G 4096
-b 1024 -O ^flex_bg
-b 1024 -O ^resize_inode
-b 1024 -O ^metadata_csum,uninit_bg
-b 1024 -O meta_bg,^resize_inode
-b 1024 -O sparse_super2
-b 1024 -O ^sparse_super,^resize_inode
-b 1024 -O inline_data,ea_inode
-b 1024 -O orphan_file
-b 4096 -O bigalloc
LAYOUTS
resize_done
