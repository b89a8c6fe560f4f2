#include "ext4/journal-unused.h"

#include "base/cleanup.h"
#include "ext4/block-map.h"

int ext4_journal_unused_each(struct ext4 *ext4, ext4_free_run_visit *visit, void *context,
                             struct error *error)
{
    CLEANUP(ext4_block_map_free) struct ext4_block_map map = {0};
    const struct ext2_super_block *super = ext4->fs->super;

    if (!ext2fs_has_feature_journal(ext4->fs->super) || super->s_journal_inum != EXT2_JOURNAL_INO)
        return 0;
    if (ext4_block_map_of(ext4, EXT2_JOURNAL_INO, &map, error))
        return -1;
    for (size_t i = 0; i < map.count; i++) {
        struct ext4_run run = {map.mappings[i].start + (i == 0), map.mappings[i].count - (i == 0)};

        if (run.count > 0 && visit(run, context, error))
            return -1;
    }
    return 0;
}
