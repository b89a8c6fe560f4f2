/*
 * What making an ext4 filesystem another size takes: decided whole, before the
 * first write. Planning reads and computes; applying follows the plan.
 *
 * First all that is in the way of the new geometry moves, while the old one still holds: inodes
 * to other numbers, blocks to other places. Then the geometry changes in one commit, and what has
 * room only then moves with it ("late"). A plan of pack.h ends before that: it has moves, and no
 * steps.
 */
#ifndef RESIZE_PLAN_H
#define RESIZE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ext4/geometry.h"
#include "ext4/preflight.h"
#include "image-format/disk.h"
#include "resize/relocation.h"
#include "resize/renumber.h"

/* Where a group's tables lie. */
struct resize_tables {
    uint64_t block_bitmap, inode_bitmap, inode_table; /* blocks */
};

/* Tables of a group that is there already and get other places; some may stay. */
struct resize_table_move {
    uint32_t group;
    struct resize_tables to;
};

struct resize_table_moves {
    struct resize_table_move *list; /* in ascending order of groups */
    size_t count, capacity;
};

enum resize_step_kind {
    RESIZE_ZERO,         /* blocks [place, place + count) read as zeros */
    RESIZE_BLOCK_BITMAP, /* of a new group */
    RESIZE_INODE_BITMAP, /* of a new group */
    RESIZE_DESCRIPTORS,  /* descriptor blocks [first, first + count) to place */
    RESIZE_SUPER_COPY,   /* the superblock's copy of group */
    RESIZE_LAST_GROUP,   /* the block bitmap of the last group that is in both geometries */
    RESIZE_INODE,        /* the resize inode and its blocks, rebuilt or given up */
    RESIZE_SUPER,        /* the superblock itself */
};

/* One write, or a few that belong together. */
struct resize_step {
    enum resize_step_kind kind;
    uint32_t group;
    uint32_t first; /* descriptor blocks */
    uint64_t place; /* blocks */
    uint64_t count; /* blocks */
};

struct resize_steps {
    struct resize_step *list;
    size_t count, capacity;
};

#define RESIZE_INODE_PLACES 3

struct resize_plan {
    struct ext4_geometry old, new;

    /* In the old geometry. */
    struct resize_inode_move *inode_moves; /* sorted by from */
    size_t inode_move_count, inode_move_capacity;
    struct resize_zones renumbered; /* blocks that are written for that */
    struct resize_relocation relocation;
    struct resize_table_moves vacated; /* of groups that go, so that blocks move where they were */
    /* With the change of geometry. */
    struct resize_table_moves table_moves; /* of groups that stay */
    struct resize_zones late;              /* what becomes free, where it takes blocks that move */

    struct resize_tables *tables; /* of the groups from old.groups on */
    struct ext4_run *table_runs;  /* the same, sorted and merged */
    size_t table_run_count, table_run_capacity;
    bool *uninitialised;        /* of the groups from old.groups on: its bitmap is implied */
    bool *changed_descriptors;  /* by descriptor block of the new geometry */
    struct resize_steps steps;  /* take effect with the commit; contents are written before the
                                   descriptors and superblocks that sum them up */
    struct resize_steps copies; /* of superblock and descriptors, in groups that were there
                                   before: after the commit, since a stale copy is none of the
                                   filesystem's state */
    uint64_t
        resize_inode_places[RESIZE_INODE_PLACES]; /* blocks that rewriting the inode touches besides
                                   the reserved ones: its own, its double-indirect one, a bitmap */
    uint64_t write_bytes; /* of both, without zeros, and of what moves: the least there is to do */
};

enum resize_goal {
    RESIZE_TO_SIZE,
    RESIZE_TO_MINIMUM, /* the smallest size that all in use fits into */
    RESIZE_TO_64BIT,   /* the same size, with 64-bit block numbers; */
    RESIZE_TO_32BIT,   /* or with 32-bit ones */
};

struct resize_request {
    enum resize_goal goal;
    uint64_t size; /* bytes: of RESIZE_TO_SIZE */
};

/* Plans what the request asks for: the size is rounded down to what the filesystem can have.
 * Nothing is written. Without anything to do, a plan of no steps, with new equal to old.
 * ERROR_REFUSED with the minimum when the size is below it; ERROR_UNSUPPORTED when the format
 * can't; ERROR_CORRUPT, with the remedy, when something is found that e2fsck would have to mend. */
int resize_plan_make(struct ext4 *ext4, const struct resize_request *request,
                     struct resize_plan *ret_plan, struct error *error);

void resize_plan_free(struct resize_plan *plan); /* zeros are fine */

/* True when there is nothing to do. */
bool resize_plan_is_empty(const struct resize_plan *plan);

/* True when the geometry changes; else blocks move at the most. */
bool resize_plan_has_change(const struct resize_plan *plan);

/* The filesystem's size at the plan's end, in bytes. */
uint64_t resize_plan_size(const struct resize_plan *plan);

#endif
