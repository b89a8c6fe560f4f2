/*
 * Packing: blocks move, within a filesystem of the same size, out of units of the
 * disk that are used little and into the holes of others, so that the emptied units needn't be
 * stored any more. A unit is what the disk stores or doesn't as a whole (a payload block).
 *
 * As many units as possible are emptied, those first that spare the most copying: with little in
 * them, or at the end of the file. Nothing goes
 * where nothing is stored yet.
 */
#ifndef RESIZE_PACK_H
#define RESIZE_PACK_H

#include "resize/plan.h"

struct resize_packing {
    struct resize_plan plan;     /* of the same geometry: for resize_run, or empty */
    struct resize_zones emptied; /* blocks: whole units, in which nothing is used afterwards */
};

/* unit_size: bytes, a power of two; where it is no more than the filesystem's blocks or clusters,
 * the packing is empty. Units that are empty already stay so, and aren't among the emptied ones.
 * Writes nothing. Errors as resize_plan_make. */
int resize_plan_packing(struct ext4 *ext4, uint64_t unit_size, struct resize_packing *ret_packing,
                        struct error *error);

void resize_packing_free(struct resize_packing *packing); /* zeros are fine */

#endif
