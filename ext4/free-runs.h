/*
 * The free blocks of a filesystem, from the block bitmaps, as runs. Groups without
 * a free block, and those that nothing was ever in, cost no read.
 */
#ifndef EXT4_FREE_RUNS_H
#define EXT4_FREE_RUNS_H

#include "ext4/preflight.h"

/* Anything but 0 ends the walk. */
typedef int ext4_free_run_visit(struct ext4_run run, void *context, struct error *error);

/* Visits the free runs in [start, end), blocks of the filesystem, in ascending order; they don't
 * touch, and consist of whole clusters. */
int ext4_free_runs_each(struct ext4 *ext4, uint64_t start, uint64_t end, ext4_free_run_visit *visit,
                        void *context, struct error *error);

#endif
