# A filesystem with the backups of sparse_super2 grows twice, and after it shrank: the last group's
# backup goes along.
# resize2fs 1.47.0: leaves blocks in use that were the backup's, or takes them without marking them.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"

for backups in 0 1 2; do
    for words in "-b 1024" "-b 1024 -O ^resize_inode" "-b 4096"; do
        # shellcheck disable=SC2086 # words of a command line
        make_raw a.raw 300M $words -O sparse_super2 -E num_backup_sb=$backups
        for size in 500M 700M 200M 400M 1G 150M 160M; do
            resize a.raw "$size"
            fsck_clean a.raw
        done
        rm a.raw
    done
done

# Of two groups the second has the backup, and keeps it.
rm -f c.raw
make_raw c.raw 160M -b 4096 -O sparse_super2
resize c.raw 39000
fsck_clean c.raw
backup_groups=$(superblock c.raw 'Backup block groups')
[ "${backup_groups% }" = 1 ] || fail "backups: $backup_groups"
