/*
 * The tree of one inode's blocks (extents, or indirect blocks), walked in
 * logical order, and cut off behind an end. It needs nothing but the disk and the
 * geometry: the journal's own map must be read before the filesystem can be opened,
 * since what opening looks at may lie in the journal.
 *
 * Every number is checked before it is followed: nodes and data lie in the
 * filesystem, extents come in order and within what their parent says, checksums
 * match, and no more blocks are met than the inode has. So a tree of loops ends early.
 *
 * Sources: kernel Documentation/filesystems/ext4/{ifork,blockmap}.rst,
 * fs/ext4/{extents,indirect}.c.
 */
#ifndef EXT4_INODE_TREE_H
#define EXT4_INODE_TREE_H

#include <ext2fs/ext2fs.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ext4/geometry.h"

struct disk;

enum ext4_tree_part {
    EXT4_TREE_KEPT,     /* data before the end */
    EXT4_TREE_RELEASED, /* data behind it, no longer mapped */
    EXT4_TREE_NODE,     /* a block of the tree that stays */
    EXT4_TREE_OLD_NODE, /* a block of the tree that has nothing left to say */
};

struct ext4_tree_run {
    enum ext4_tree_part part;
    uint64_t logical; /* blocks; of data */
    struct ext4_run run;
    bool unwritten; /* reads as zeros */
};

struct ext4_tree {
    struct disk *disk;
    const struct ext4_geometry *geometry;
    uint32_t number;                /* of the inode */
    struct ext2_inode_large *inode; /* its i_block, and what counts for the checksums */
    /* Called for every run; data comes in logical order, a node behind what is below it. */
    int (*visit)(const struct ext4_tree_run *run, void *context, struct error *error);
    void *context;
    /* Set by ext4_tree_prepare. */
    bool has_checksums;
    uint32_t seed;   /* of the checksums of nodes */
    uint64_t budget; /* blocks that the inode has, and that weren't met yet */
};

#define EXT4_TREE_WHOLE UINT64_MAX

/* The seed of all metadata checksums of the filesystem; of those of one inode. */
uint32_t ext4_checksum_seed(const struct ext2_super_block *super);
uint32_t ext4_inode_checksum_seed(const struct ext2_super_block *super, uint32_t number,
                                  uint32_t generation);

/* Sets the last three fields; the others are the caller's. */
void ext4_tree_prepare(struct ext4_tree *tree, const struct ext2_super_block *super);

/* Walks the tree. Data from the logical block end on is released, with the nodes that become
 * empty: the rest of the tree is written to the disk, the root to inode->i_block alone. With
 * EXT4_TREE_WHOLE nothing changes. ERROR_CORRUPT names the inode. */
int ext4_tree_cut(struct ext4_tree *tree, uint64_t end, struct error *error);

/* For the two kinds of trees. */
int ext4_tree_bad(const struct ext4_tree *tree, struct error *error, const char *what,
                  uint64_t value);
int ext4_tree_read_node(struct ext4_tree *tree, uint64_t block, uint8_t *node, struct error *error);
int ext4_tree_write_node(struct ext4_tree *tree, uint64_t block, const uint8_t *node,
                         struct error *error);
int ext4_tree_visit(struct ext4_tree *tree, struct ext4_tree_run run, struct error *error);
int ext4_tree_cut_extents(struct ext4_tree *tree, uint64_t end, struct error *error);
int ext4_tree_cut_pointers(struct ext4_tree *tree, uint64_t end, struct error *error);

#endif
