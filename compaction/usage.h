/*
 * Which whole units of a disk needn't be stored: those in which a filesystem uses
 * nothing, and those that hold zeros only. A unit is what the disk gives up as a whole.
 */
#ifndef COMPACTION_USAGE_H
#define COMPACTION_USAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "ext4/preflight.h"
#include "image-format/disk.h"
#include "resize/zones.h"

enum usage_zeros {
    USAGE_NO_ZEROS,   /* no data is read */
    USAGE_ZEROS_REST, /* zeros are looked for where no filesystem is known to have its data */
    USAGE_ZEROS_ALL,
};

/* Zero-initialise. */
struct usage {
    struct disk_unused *unused; /* sorted, disjoint, of whole units: for disk_plan_compaction */
    size_t count, capacity;
    uint64_t unknown; /* bytes stored of which the filesystem says nothing, and weren't read */
};

/* The unit of a disk, in bytes, from its description. */
uint32_t usage_unit(const struct disk_description *description);

/* ext4: the filesystem on the disk, or NULL: none is known. ERROR_INTERRUPTED where watch says so
 * while data is read. */
int usage_collect(struct disk *disk, struct ext4 *ext4, uint32_t unit, enum usage_zeros zeros,
                  const struct disk_watch *watch, struct usage *ret_usage, struct error *error);

/* Adds zones of a filesystem, in blocks of block_size bytes: whole units that will be free. */
int usage_add_zones(struct usage *usage, const struct resize_zones *zones, uint32_t block_size,
                    struct error *error);

void usage_free(struct usage *usage);

#endif
