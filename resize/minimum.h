/*
 * How small a filesystem can be, by counting: blocks and inodes in use, and what
 * the geometry itself takes. A plan shows whether all fits in fact.
 */
#ifndef RESIZE_MINIMUM_H
#define RESIZE_MINIMUM_H

#include "resize/plan.h"

/* Sets the smallest geometry of at least blocks blocks that has room for all by the counts, or
 * the old one. saved: how many blocks fewer will be in use. */
int resize_minimum_geometry(struct ext4 *ext4, uint64_t blocks, uint64_t saved,
                            struct ext4_geometry *ret_geometry, struct error *error);

#endif
