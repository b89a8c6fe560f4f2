/*
 * Free runs of blocks, handed out so that what lies in a row stays in a row:
 * a run that is large enough, if there is one, and not much too large.
 */
#ifndef RESIZE_POOL_H
#define RESIZE_POOL_H

#include <stddef.h>

#include "base/error.h"
#include "ext4/geometry.h"

#define RESIZE_POOL_CLASSES 49 /* runs of 2^n to 2^(n+1) - 1 blocks */

struct resize_pool_class {
    struct ext4_run *runs; /* the last is handed out first */
    size_t count, capacity;
};

/* Zero-initialise. */
struct resize_pool {
    struct resize_pool_class classes[RESIZE_POOL_CLASSES];
    uint64_t blocks; /* in it */
};

/* A run that no other one of the pool meets. */
int resize_pool_add(struct resize_pool *pool, struct ext4_run run, struct error *error);

/* After runs were added in ascending order: the lowest go first. */
void resize_pool_reverse(struct resize_pool *pool);

/* Takes count blocks in a row, or, where no run is that long, all of a long one. Sets count 0 when
 * the pool is empty. */
int resize_pool_take(struct resize_pool *pool, uint64_t count, struct ext4_run *ret_run,
                     struct error *error);

/* Takes count blocks in a row, or nothing: then the count set is 0. */
int resize_pool_take_whole(struct resize_pool *pool, uint64_t count, struct ext4_run *ret_run,
                           struct error *error);

void resize_pool_free(struct resize_pool *pool);

#endif
