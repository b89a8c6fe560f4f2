# Every layout, each in all kinds of steps: a little up and down, far beyond the descriptors that were
# reserved, to a tiny last group, to the minimum, and back.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize-matrix.sh"

while read -r words; do
    while read -r size moves; do
        # shellcheck disable=SC2086 # words of a command line
        resize_case "$words" "$size" $moves
    done <<'STEPS'
100M 101M 99M 130M 80M -M
90M 3G 70M 90M
120M groups+60 groups-60 200M min+40 120M
STEPS
done <<'LAYOUTS'
-b 1024
-b 2048
-b 4096
-b 1024 -I 128
-b 4096 -I 128 -O ^64bit
-b 2048 -I 512
-b 1024 -G 4096
-b 1024 -G 4
-b 4096 -g 2048 -G 4096
-b 4096 -g 8192 -G 2
-b 1024 -O ^flex_bg
-b 4096 -O ^flex_bg,^resize_inode
-b 1024 -O ^resize_inode
-b 1024 -O ^64bit
-b 1024 -O ^metadata_csum
-b 1024 -O ^metadata_csum,uninit_bg
-b 4096 -O ^metadata_csum,uninit_bg,^flex_bg
-b 1024 -O ^has_journal
-b 1024 -J size=4
-b 1024 -O meta_bg,^resize_inode
-b 4096 -g 4096 -O meta_bg,^resize_inode
-b 1024 -O meta_bg,^resize_inode,^flex_bg,^64bit,uninit_bg,^metadata_csum
-b 1024 -O sparse_super2
-b 1024 -O sparse_super2,^resize_inode
-b 1024 -O sparse_super2 -E num_backup_sb=0
-b 1024 -O sparse_super2 -E num_backup_sb=1
-b 1024 -O ^sparse_super,^resize_inode
-b 1024 -O ^sparse_super,^resize_inode,^flex_bg
-b 1024 -E packed_meta_blocks=1
-b 1024 -O ^flex_bg -E stride=16
-b 4096 -g 4096 -O ^flex_bg -E stride=32,stripe_width=64
-b 1024 -E lazy_itable_init=0,lazy_journal_init=0
-b 1024 -i 1024
-b 1024 -i 65536
-b 4096 -N 128
-b 1024 -E resize=10G
-b 1024 -m 0
-b 1024 -m 20
LAYOUTS
resize_done
