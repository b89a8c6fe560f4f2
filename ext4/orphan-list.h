/*
 * Which inodes are orphans: the chain, and the orphan file.
 */
#ifndef EXT4_ORPHAN_LIST_H
#define EXT4_ORPHAN_LIST_H

#include <stddef.h>

#include "ext4/orphan-inode.h"

struct orphan_list {
    uint32_t *numbers; /* in the order in which they are cleaned up; none twice */
    size_t count, capacity;
    uint64_t *file_blocks; /* of the orphan file, those that aren't empty */
    size_t file_block_count, file_block_capacity;
};

/* Lists all. The caller frees, also after a failure. ERROR_CORRUPT for a chain that is a loop, or
 * leads to an inode that can't be an orphan. */
int orphan_list_read(struct orphan_work *work, struct orphan_list *list, struct error *error);

void orphan_list_free(struct orphan_list *list); /* zeros are fine */

/* Empties the chain (in the superblock in memory) and the orphan file. */
int orphan_list_clear(struct orphan_work *work, struct orphan_list *list, struct error *error);

#endif
