/*
 * The units of a disk that are stored, as packing sees them: what of each is in use,
 * whether that can move, and how much has room there. One small struct for each, and none for
 * what isn't stored.
 */
#ifndef RESIZE_PACK_UNITS_H
#define RESIZE_PACK_UNITS_H

#include "ext4/free-runs.h"
#include "resize/plan.h"

struct resize_unit {
    uint64_t index; /* of all units of the disk, stored or not */
    uint64_t place; /* bytes of the host's file: where it begins there */
    uint32_t used;  /* blocks in use; unused parts of inode tables and of the journal
                       don't count */
    uint32_t room;  /* free blocks that can be written without anything else becoming stored */
    int64_t cost;   /* blocks: of emptying it, beside that of leaving it */
    bool is_fixed;  /* something lies in it that can't move */
    bool is_emptied;
};

/* Zero-initialise. */
struct resize_units {
    struct ext4 *ext4;
    uint64_t blocks;          /* a unit */
    struct resize_unit *list; /* in ascending order */
    size_t count, capacity;
};

/* Lists those of unit_size bytes, a power of two, of several blocks or clusters. Errors as
 * ext4_unused_each. */
int resize_units_list(struct ext4 *ext4, uint64_t unit_size, struct resize_units *ret_units,
                      struct error *error);
void resize_units_free(struct resize_units *units); /* zeros are fine */

/* The unit's blocks, as far as the filesystem has them. */
struct ext4_run resize_unit_run(const struct resize_units *units, const struct resize_unit *unit);

/* Visits the free runs, in ascending order, that make up the room of units that aren't emptied. */
int resize_units_room(const struct resize_units *units, ext4_free_run_visit *visit, void *context,
                      struct error *error);

#endif
