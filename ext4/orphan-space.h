/*
 * Giving blocks and inodes back to their groups, a few bitmaps in memory at a
 * time. What is given back must be in use, and is none of the filesystem's own
 * structures.
 */
#ifndef EXT4_ORPHAN_SPACE_H
#define EXT4_ORPHAN_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "ext4/preflight.h"

#define ORPHAN_BITMAPS 16

struct orphan_bitmap {
    uint8_t *bits;
    uint32_t group;
    bool is_loaded, is_dirty, of_inodes;
    uint64_t last_use;
};

struct orphan_space {
    struct ext4 *ext4;
    struct orphan_bitmap bitmaps[ORPHAN_BITMAPS];
    uint64_t uses;
    bool *changed;        /* by descriptor block */
    struct ext4_run *own; /* heads and tables of all groups, sorted */
    size_t own_count;
};

int orphan_space_begin(struct ext4 *ext4, struct orphan_space *space, struct error *error);
void orphan_space_free(struct orphan_space *space); /* zeros are fine */

/* Whether the inode is marked as in use. */
int orphan_space_has_inode(struct orphan_space *space, uint32_t number, bool *ret_has,
                           struct error *error);

/* ERROR_CORRUPT when a block of the run is one of the filesystem's own structures. */
int orphan_space_check_run(const struct orphan_space *space, struct ext4_run run,
                           struct error *error);

/* Marks whole clusters as free. */
int orphan_space_release(struct orphan_space *space, struct ext4_run run, struct error *error);

int orphan_space_release_inode(struct orphan_space *space, uint32_t number, bool is_directory,
                               struct error *error);

/* Writes bitmaps and descriptors. */
int orphan_space_write(struct orphan_space *space, struct error *error);

#endif
