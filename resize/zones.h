/*
 * Runs of blocks that have to be empty before the geometry changes: what lies
 * beyond the new end, and where new descriptors or tables go.
 */
#ifndef RESIZE_ZONES_H
#define RESIZE_ZONES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "ext4/geometry.h"

/* Zero-initialise; sorted, merged and in whole clusters after resize_zones_sort. */
struct resize_zones {
    struct ext4_run *runs;
    size_t count, capacity;
};

int resize_zones_add(struct resize_zones *zones, struct ext4_run run, struct error *error);
void resize_zones_sort(struct resize_zones *zones, const struct ext4_geometry *geometry);
void resize_zones_free(struct resize_zones *zones);

/* The first part of a run that lies in a zone; false: none does. */
bool resize_zones_meet(const struct resize_zones *zones, struct ext4_run run,
                       struct ext4_run *ret_part);

/* Calls each for the parts of a run that lie in no zone. */
typedef int resize_zones_each(struct ext4_run part, void *context, struct error *error);
int resize_zones_outside(const struct resize_zones *zones, struct ext4_run run,
                         resize_zones_each *each, void *context, struct error *error);

#endif
