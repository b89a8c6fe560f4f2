/*
 * Which blocks of inodes move where, so that zones become empty: one sorted list
 * for the whole filesystem, in which every pointer to a block is looked up.
 *
 * Blocks of trees don't move: the tree of an inode of which anything moves is written anew, packed,
 * and drops the blocks that lie in a zone, or that it needs no longer; what it then lacks it gets
 * new. So does a tree that is wider than need be though nothing of its inode moves.
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

/* In to, and whatever is above it: there is none yet. */
#define RESIZE_NO_PLACE (UINT64_C(1) << 63)

struct resize_moved_inode {
    uint32_t number;
    uint32_t new_nodes : 31; /* blocks that its tree gets; */
    bool goes_late : 1;      /* with the change of geometry */
    size_t first_node;       /* of the relocation's, the first of them */
};

struct resize_numbers {
    uint32_t *list;
    size_t count, capacity;
};

/* Zero-initialise; resize_relocation_free frees what it holds. */
struct resize_relocation {
    struct resize_move *moves; /* sorted by from */
    size_t move_count, move_capacity;
    struct resize_moved_inode *inodes; /* whose tree is written anew, in ascending order */
    size_t inode_count, inode_capacity;
    struct resize_numbers xattr_inodes; /* whose block of extended attributes moves */
    uint64_t *nodes;                    /* for new_nodes */
    size_t node_count, node_capacity;
    uint64_t *dropped; /* blocks of trees that these leave, in ascending order */
    size_t dropped_count, dropped_capacity;
    uint64_t blocks;      /* that move; */
    uint64_t copied;      /* of them, those with contents: see resize_mapping_contents */
    uint64_t zone_blocks; /* what inodes have in the zones: these, and blocks of trees */
    uint64_t spare;       /* blocks outside the zones that are free when all has moved */
    uint64_t end;         /* blocks: from here on bad ones are no longer listed; */
    uint64_t unlisted;    /* so many */
};

/* Surveys the filesystem (see ext4/survey.h for what is checked) and collects what lies in the
 * zones, and wide trees; nothing has a place yet. What is marked as bad doesn't move: from end on
 * it goes, before it ERROR_UNSUPPORTED says that it is in the way. Other errors as ext4_survey. */
int resize_relocation_survey(struct ext4 *ext4, const struct resize_zones *zones, uint64_t end,
                             struct resize_relocation *relocation, struct error *error);

/* Where blocks can go. */
struct resize_room {
    const struct resize_zones *zones; /* what becomes empty */
    struct resize_pool early;         /* free in the committed filesystem */
    struct resize_pool late;          /* free with the change of geometry */
    struct resize_zones *late_zones;  /* what is in late, sorted; NULL: nothing can go late */
};

/* Gives all a place, long runs first, so that none is split while there is room for it in a row:
 * in early before late. Where that doesn't suffice, what trees drop joins late, and late_zones.
 * *ret_missing: blocks for which there was no room. */
int resize_relocation_place(struct ext4 *ext4, struct resize_relocation *relocation,
                            struct resize_room *room, uint64_t *ret_missing, struct error *error);

/* How many blocks fewer trees and the list of bad blocks take up than before, or 0. */
uint64_t resize_relocation_saved(const struct resize_relocation *relocation,
                                 const struct ext4_geometry *geometry);

/* Whether a tree leaves a block of its. */
bool resize_relocation_drops(const struct resize_relocation *relocation, uint64_t node);

/* Where a block goes; itself when it stays. */
uint64_t resize_relocation_of(const struct resize_relocation *relocation, uint64_t block);

/* The first part of a run that moves, and where to; false: all of it stays. */
bool resize_relocation_meet(const struct resize_relocation *relocation, struct ext4_run run,
                            struct ext4_run *ret_part, uint64_t *ret_to);

/* The map as it will be, with the nodes that it keeps. */
int resize_relocation_remap(const struct resize_relocation *relocation,
                            const struct ext4_block_map *map, struct ext4_block_map *ret_map,
                            struct error *error);

/* How many of a mapping's first blocks have contents that are copied when they move: none of what
 * is unwritten; of the journal, which is empty, its superblock alone. */
uint64_t resize_mapping_contents(const struct ext4 *ext4, uint32_t number,
                                 const struct ext4_mapping *mapping);

/* Reads an inode (inode_size bytes) and, where it maps blocks, its map, that of bad blocks as far
 * as they stay listed; else an empty one. */
int resize_relocation_read(const struct resize_relocation *relocation, struct ext4 *ext4,
                           uint32_t number, struct ext2_inode_large *inode,
                           struct ext4_block_map *map, struct error *error);

void resize_relocation_free(struct resize_relocation *relocation);

#endif
