#include "ext4/journal-unused.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/block-map.h"
#include "ext4/journal-format.h"
#include "image-format/disk.h"

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
    if (ext4_block_map_of(ext4, EXT2_JOURNAL_INO, &map, error))
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
