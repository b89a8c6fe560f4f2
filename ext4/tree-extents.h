/*
 * A file's extents, collected in ascending order, and its extent tree, built
 * from them bottom-up in one go: full blocks, nothing to split or to move.
 */
#ifndef EXT4_TREE_EXTENTS_H
#define EXT4_TREE_EXTENTS_H

#include <ext2fs/ext2fs.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ext4/tree-space.h"

struct tree_extent {
    uint32_t logical; /* blocks */
    uint32_t count;   /* blocks, 32768 at most in a leaf */
    blk64_t physical; /* blocks; of an index entry, the block below */
};

struct tree_extents {
    struct tree_extent *items;
    size_t count, capacity;
    uint64_t blocks; /* in all items */
};

void tree_extents_free(struct tree_extents *extents);

/* Adds a range that lies behind all others; joins it with the last where that is possible. */
int tree_extents_append(struct tree_extents *extents, uint64_t logical, blk64_t physical,
                        uint64_t count, struct error *error);

/* Puts the tree into the inode and blocks of its own, and sets flag and block count, the block
 * of extended attributes included. The inode is written by the caller. */
int tree_extents_store(const struct tree_extents *extents, struct tree_space *space, ext2_ino_t ino,
                       struct ext2_inode_large *inode, struct error *error);

#endif
