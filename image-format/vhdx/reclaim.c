/*
 * Giving back what the commits since opening freed: as much as that, and no
 * more. Between two batches, and at any power cut within one, the image is whole.
 */
#include "base/cleanup.h"
#include "image-format/vhdx/packing.h"

int vhdx_reclaim(struct disk *disk, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    CLEANUP(vhdx_units_free) struct vhdx_units units = {0};
    CLEANUP(vhdx_packing_free) struct vhdx_packing packing = {0};
    uint64_t used;

    if (vhdx->freed_bytes == 0)
        return 0;
    disk->committed = true; /* whatever becomes of the moves, the commits before stand */
    used = vhdx_units_count_used(&vhdx->space.units);
    /* Older holes are no business of this. */
    if (vhdx_units_copy(&vhdx->space.units, &units, error) ||
        vhdx_packing_plan(vhdx, &units, used + vhdx->space.old_holes, &packing, error) ||
        vhdx_packing_apply(vhdx, &packing, NULL, error) || vhdx_cut_off(vhdx, error))
        return -1;
    vhdx->freed_bytes = 0;
    return file_flush(vhdx->file, error);
}
