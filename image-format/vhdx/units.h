/*
 * A map of the file in units of 1 MiB: which are in use. Whoever plans changes
 * them on a copy.
 */
#ifndef IMAGE_FORMAT_VHDX_UNITS_H
#define IMAGE_FORMAT_VHDX_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct vhdx_units {
    uint64_t *used; /* bitmap; NULL: no room yet */
    uint64_t limit; /* units that it has room for; those beyond are free */
    uint64_t end;   /* units: behind the last one in use */
};

/* Room for that many, at least. */
int vhdx_units_make_room(struct vhdx_units *units, uint64_t count, struct error *error);
int vhdx_units_copy(const struct vhdx_units *units, struct vhdx_units *ret_copy,
                    struct error *error);
void vhdx_units_free(struct vhdx_units *units);

bool vhdx_units_is_used(const struct vhdx_units *units, uint64_t unit);

/* The units lie within the limit. Taking moves the end, giving back doesn't. */
void vhdx_units_take(struct vhdx_units *units, uint64_t unit, uint64_t count);
void vhdx_units_give(struct vhdx_units *units, uint64_t unit, uint64_t count);

/* Lowers the end to behind the last unit in use. */
void vhdx_units_find_end(struct vhdx_units *units);

/* The first free run of count units at or after start that ends at limit at the latest; UINT64_MAX
 * when there is none. */
uint64_t vhdx_units_find_free(const struct vhdx_units *units, uint64_t count, uint64_t start,
                              uint64_t limit);

uint64_t vhdx_units_count_used(const struct vhdx_units *units);

#endif
