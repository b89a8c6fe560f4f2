#include "ext4/journal-unused.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/block-map.h"
#include "ext4/inode-table.h"
#include "ext4/journal-format.h"
#include "image-format/disk.h"

static int read_map(struct ext4 *ext4, struct ext4_block_map *map, struct error *error)
{
    CLEANUP_FREE struct ext2_inode_large *inode = calloc(1, EXT4_INODE_BYTES(ext4));
    errcode_t code;

    if (!inode)
        return error_set_no_memory(error);
    code = ext2fs_read_inode_full(ext4->fs, EXT2_JOURNAL_INO, (struct ext2_inode *)inode,
                                  (int)EXT2_INODE_SIZE(ext4->fs->super));
    if (code)
        return ext4_set_error(error, &ext4->io, code, "cannot read the journal's inode");
    return ext4_inode_maps_blocks(ext4->fs, inode)
               ? ext4_block_map_read(ext4, EXT2_JOURNAL_INO, inode, map, error)
               : 0;
}

/* Whether the journal's superblock lies there and says that the log is empty. */
static int is_empty(struct ext4 *ext4, uint64_t block, bool *ret_is_empty, struct error *error)
{
    uint8_t super[JOURNAL_SUPER_SIZE];

    if (disk_read(ext4->io.disk, block * ext4->geometry.block_size, super, sizeof super, error))
        return -1;
    *ret_is_empty = get_be32(super + JOURNAL_HEADER_MAGIC) == JOURNAL_MAGIC &&
                    get_be32(super + JOURNAL_SUPER_START) == 0;
    return 0;
}

int ext4_journal_unused_each(struct ext4 *ext4, ext4_free_run_visit *visit, void *context,
                             struct error *error)
{
    CLEANUP(ext4_block_map_free) struct ext4_block_map map = {0};
    const struct ext2_super_block *super = ext4->fs->super;
    bool empty;

    if (!ext2fs_has_feature_journal(ext4->fs->super) || super->s_journal_inum != EXT2_JOURNAL_INO)
        return 0;
    if (read_map(ext4, &map, error))
        return -1;
    if (map.count == 0 || map.mappings[0].logical != 0)
        return 0;
    if (is_empty(ext4, map.mappings[0].start, &empty, error))
        return -1;
    for (size_t i = 0; empty && i < map.count; i++) {
        struct ext4_run run = {map.mappings[i].start + (i == 0), map.mappings[i].count - (i == 0)};

        if (run.count > 0 && visit(run, context, error))
            return -1;
    }
    return 0;
}
