/*
 * Which blocks of inodes move where, so that zones become empty: one sorted list
 * for the whole filesystem, in which every pointer to a block is looked up.
 */
#ifndef RESIZE_RELOCATION_H
#define RESIZE_RELOCATION_H

#include "ext4/block-map.h"
#include "resize/pool.h"
#include "resize/zones.h"

/* Blocks [from, from + count) go to [to, to + count); whole clusters. */
struct resize_move {
    uint64_t from, to, count;
};

struct resize_moved_inode {
    uint32_t number;
    uint32_t extra_nodes; /* blocks that its tree takes up beyond those it has */
};

struct resize_numbers {
    uint32_t *list;
    size_t count, capacity;
};

/* Zero-initialise; resize_relocation_free frees what it holds. */
struct resize_relocation {
    struct resize_move *moves; /* sorted by from */
    size_t move_count, move_capacity;
    struct resize_moved_inode *inodes; /* whose data or nodes move, in ascending order */
    size_t inode_count, inode_capacity;
    struct resize_numbers xattr_inodes; /* whose block of extended attributes moves */
    uint64_t *nodes;                    /* for extra_nodes, in the order of inodes */
    size_t node_count, node_capacity;
    uint64_t blocks; /* that move */
};

/* Surveys the filesystem (see ext4/survey.h for what is checked) and collects what lies in the
 * zones; nothing has a place yet. Errors as ext4_survey, and ERROR_UNSUPPORTED for bad blocks. */
int resize_relocation_survey(struct ext4 *ext4, const struct resize_zones *zones,
                             struct resize_relocation *relocation, struct error *error);

/* Gives all a place, long runs first, so that none is split while there is room for it in a row:
 * in early (free in the committed filesystem) before late (free with the change of geometry).
 * *ret_missing: blocks for which there was no room. */
int resize_relocation_place(struct ext4 *ext4, struct resize_relocation *relocation,
                            struct resize_pool *early, struct resize_pool *late,
                            uint64_t *ret_missing, struct error *error);

/* Where a block goes; itself when it stays. */
uint64_t resize_relocation_of(const struct resize_relocation *relocation, uint64_t block);

/* The first part of a run that moves, and where to; false: all of it stays. */
bool resize_relocation_meet(const struct resize_relocation *relocation, struct ext4_run run,
                            struct ext4_run *ret_part, uint64_t *ret_to);

/* The map as it will be, its nodes included, but for extra ones. */
int resize_relocation_remap(const struct resize_relocation *relocation,
                            const struct ext4_block_map *map, struct ext4_block_map *ret_map,
                            struct error *error);

/* Reads an inode (inode_size bytes) and, where it maps blocks, its map; else an empty one. */
int resize_read_inode(struct ext4 *ext4, uint32_t number, struct ext2_inode_large *inode,
                      struct ext4_block_map *map, struct error *error);

void resize_relocation_free(struct resize_relocation *relocation);

#endif
