/*
 * Packing the file: payload blocks at its end move into holes, then it is cut
 * off. Planned on a copy of the file's map, so that the plan tells where the file will end.
 */
#ifndef IMAGE_FORMAT_VHDX_PACKING_H
#define IMAGE_FORMAT_VHDX_PACKING_H

#include <stddef.h>

#include "image-format/vhdx/internal.h"

struct vhdx_move {
    uint64_t index, entry; /* of the BAT, before */
    uint64_t to;           /* bytes of the file */
};

/* Zero-initialise. */
struct vhdx_packing {
    struct vhdx_move *moves; /* from the file's end downwards */
    size_t count, capacity;
};

void vhdx_packing_free(struct vhdx_packing *packing);

/* Plans moving blocks that reach beyond a unit into lower holes, outside of a transaction. units
 * becomes the map as it is afterwards. Blocks whose place it has free are passed over. */
int vhdx_packing_plan(struct vhdx *vhdx, struct vhdx_units *units, uint64_t beyond,
                      struct vhdx_packing *ret_packing, struct error *error);

/* Carries the moves out, a batch a commit, outside of a transaction, and cuts the file off as it
 * goes. watch may be NULL. */
int vhdx_packing_apply(struct vhdx *vhdx, const struct vhdx_packing *packing,
                       const struct disk_watch *watch, struct error *error);

/* Commits a transaction that the format began itself, or aborts it where result is a failure. A
 * commit that came before it stays one: committed isn't unset. */
int vhdx_end_own(struct vhdx *vhdx, int result, bool data, struct error *error);

/* Cuts off what lies behind the last unit in use (V4). Flushed with the next commit, or by the
 * caller. */
int vhdx_cut_off(struct vhdx *vhdx, struct error *error);

#endif
