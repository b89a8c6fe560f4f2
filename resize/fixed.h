/*
 * The blocks that a geometry takes for itself: heads of groups, and tables.
 */
#ifndef RESIZE_FIXED_H
#define RESIZE_FIXED_H

#include "resize/plan.h"

/* Where the tables of a group that is there lie: as the moves (which may be NULL) have them, or
 * where they are. */
struct resize_tables resize_tables_of(ext2_filsys fs, const struct resize_table_moves *moves,
                                      uint32_t group);

/* Collects them, sorted and in whole clusters, for the groups of the geometry that are there in
 * the filesystem. */
int resize_fixed_collect(const struct ext4_geometry *geometry, ext2_filsys fs,
                         const struct resize_table_moves *moves, struct resize_zones *ret_zones,
                         struct error *error);

/* The blocks of all runs that lie below end. */
uint64_t resize_fixed_blocks(const struct resize_zones *zones, uint64_t end);

/* Sets the parts of a that aren't in b and lie below end; sorted. */
int resize_fixed_difference(const struct resize_zones *a, const struct resize_zones *b,
                            uint64_t end, struct resize_zones *ret_zones, struct error *error);

#endif
