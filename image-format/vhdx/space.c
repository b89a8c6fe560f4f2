/*
 * Which units (1 MiB) of the file are in use. Built by walking over everything
 * that the file's structures refer to, which is the check for overlaps and for
 * places outside of the file as well (2.2.3, 2.5.1).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "image-format/vhdx/internal.h"

/* What lies in the file, and how much of it must be there. */
struct place {
    const char *what;
    uint64_t number;
    uint64_t offset, size, needed; /* bytes */
};

static int mark(struct vhdx *vhdx, const struct place *place, struct error *error)
{
    struct vhdx_space *space = &vhdx->space;
    uint64_t first = place->offset / VHDX_UNIT, count = divide_up(place->size, VHDX_UNIT);

    if (!range_fits(place->offset, place->needed, space->file_size))
        return error_set(error, ERROR_CORRUPT,
                         "%s %" PRIu64 " lies at byte %" PRIu64 " with %" PRIu64
                         " bytes (within the file's %" PRIu64 " bytes expected)",
                         place->what, place->number, place->offset, place->needed,
                         space->file_size);
    for (uint64_t unit = first; unit < first + count; unit++)
        if (vhdx_units_is_used(&space->units, unit))
            return error_set(error, ERROR_CORRUPT,
                             "%s %" PRIu64 " lies at byte %" PRIu64
                             ", where something else lies too (a place of its own expected)",
                             place->what, place->number, unit * VHDX_UNIT);
    vhdx_units_take(&space->units, first, count);
    return 0;
}

/* Old versions of QEMU end the file within the disk's last block, when the disk ends there. */
static int mark_block(struct vhdx *vhdx, uint64_t block, uint64_t offset, struct error *error)
{
    uint64_t size = vhdx->metadata.block_size;
    uint64_t needed = min_u64(size, vhdx->disk.size - block * size);

    return mark(vhdx, &(struct place){"block", block, offset, size, needed}, error);
}

static int mark_entry(struct vhdx *vhdx, uint64_t index, uint64_t entry, void *context,
                      struct error *error)
{
    uint64_t block = vhdx_bat_block_of(vhdx, index);
    enum vhdx_block_state state = vhdx_entry_state(entry);

    (void)context;
    if (vhdx_bat_index_is_bitmap(vhdx, index)) {
        return error_set(error, ERROR_CORRUPT,
                         "BAT entry %" PRIu64 " is that of a sector bitmap and holds 0x%" PRIx64
                         " (0 expected in a disk without a parent)",
                         index, entry);
    }
    if (state == 4 || state == VHDX_BLOCK_PARTIALLY_PRESENT)
        return error_set(error, ERROR_CORRUPT,
                         "block %" PRIu64 " is in state %d (0, 1, 2, 3 or 6 expected)", block,
                         (int)state);
    if (state == VHDX_BLOCK_FULLY_PRESENT && vhdx_entry_offset(entry) == 0)
        return error_set(error, ERROR_CORRUPT,
                         "block %" PRIu64 " is present at byte 0 (1 MiB or more expected)", block);
    if (!vhdx_entry_has_place(entry))
        return 0;
    return mark_block(vhdx, block, vhdx_entry_offset(entry), error);
}

static int mark_all(struct vhdx *vhdx, struct error *error)
{
    const struct vhdx_header *header = &vhdx->header;

    if (mark(vhdx, &(struct place){"header section", 0, 0, VHDX_UNIT, VHDX_UNIT}, error) ||
        mark(vhdx,
             &(struct place){"log", 0, header->log_offset, header->log_length, header->log_length},
             error))
        return -1;
    for (unsigned i = 0; i < vhdx->region_count; i++) {
        struct vhdx_region region;

        vhdx_region_decode(vhdx->regions, i, &region);
        if (mark(vhdx, &(struct place){"region", i, region.offset, region.length, region.length},
                 error))
            return -1;
    }
    return vhdx_bat_scan(vhdx, mark_entry, NULL, error);
}

int vhdx_space_build(struct vhdx *vhdx, struct error *error)
{
    struct vhdx_space *space = &vhdx->space;

    if (space->units.used)
        return 0;
    if (file_get_size(vhdx->file, &space->file_size, error))
        return -1;
    space->known = divide_up(space->file_size, VHDX_UNIT);
    if (vhdx_units_make_room(&space->units, space->known + vhdx_block_units(vhdx), error) == 0 &&
        mark_all(vhdx, error) == 0) {
        space->known = max_u64(space->known, space->units.end);
        space->old_holes = space->units.end - vhdx_units_count_used(&space->units);
        return 0;
    }
    vhdx_space_close(vhdx);
    return -1;
}

void vhdx_space_close(struct vhdx *vhdx)
{
    struct vhdx_space *space = &vhdx->space;

    vhdx_units_free(&space->units);
    free(space->taken.runs);
    free(space->freed.runs);
    *space = (struct vhdx_space){0};
}

static int remember(struct vhdx_runs *runs, uint64_t unit, uint64_t count, struct error *error)
{
    struct vhdx_run *larger =
        array_make_room(runs->runs, runs->count, &runs->capacity, sizeof *larger, error);

    if (!larger)
        return -1;
    runs->runs = larger;
    runs->runs[runs->count++] = (struct vhdx_run){unit, count};
    return 0;
}

static int take_units(struct vhdx *vhdx, uint64_t unit, uint64_t count, uint64_t *ret_offset,
                      struct error *error)
{
    struct vhdx_space *space = &vhdx->space;

    if (unit + count > VHDX_MAX_FILE_SIZE / VHDX_UNIT)
        return error_set(error, ERROR_UNSUPPORTED, "the file would pass %" PRIu64 " bytes",
                         VHDX_MAX_FILE_SIZE);
    if (vhdx_units_make_room(&space->units, unit + count, error) ||
        remember(&space->taken, unit, count, error))
        return -1;
    vhdx_units_take(&space->units, unit, count);
    *ret_offset = unit * VHDX_UNIT;
    return 0;
}

int vhdx_space_take(struct vhdx *vhdx, uint64_t count, uint64_t *ret_offset, bool *ret_zeroed,
                    struct error *error)
{
    struct vhdx_space *space = &vhdx->space;
    uint64_t unit = vhdx_units_find_free(&space->units, count, space->cursor, space->units.end);

    /* The transaction frees nothing that it can take again, so no hole appears before here. */
    if (unit == UINT64_MAX)
        unit = space->cursor = space->units.end;
    else
        space->cursor = unit + count;
    *ret_zeroed = unit >= space->known;
    return take_units(vhdx, unit, count, ret_offset, error);
}

int vhdx_space_take_at_end(struct vhdx *vhdx, uint64_t count, uint64_t *ret_offset,
                           struct error *error)
{
    return take_units(vhdx, max_u64(vhdx->space.units.end, vhdx->space.known), count, ret_offset,
                      error);
}

int vhdx_space_take_at(struct vhdx *vhdx, uint64_t offset, uint64_t size, struct error *error)
{
    uint64_t first = offset / VHDX_UNIT, count = size / VHDX_UNIT, taken;

    for (uint64_t unit = first; unit < first + count; unit++)
        if (vhdx_units_is_used(&vhdx->space.units, unit))
            return error_set(error, ERROR_SYSTEM,
                             "the place at byte %" PRIu64 " of the file isn't free any more",
                             unit * VHDX_UNIT);
    return take_units(vhdx, first, count, &taken, error);
}

int vhdx_space_give(struct vhdx *vhdx, uint64_t offset, uint64_t size, struct error *error)
{
    return remember(&vhdx->space.freed, offset / VHDX_UNIT, size / VHDX_UNIT, error);
}

static void release(struct vhdx_space *space, struct vhdx_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++)
        vhdx_units_give(&space->units, runs->runs[i].unit, runs->runs[i].count);
    runs->count = 0;
}

uint64_t vhdx_space_settle(struct vhdx *vhdx)
{
    struct vhdx_space *space = &vhdx->space;
    uint64_t bytes = 0;

    for (size_t i = 0; i < space->freed.count; i++)
        bytes += space->freed.runs[i].count * VHDX_UNIT;
    space->known = max_u64(space->known, space->units.end);
    release(space, &space->freed);
    space->taken.count = 0;
    space->cursor = 0;
    vhdx_units_find_end(&space->units);
    return bytes;
}

void vhdx_space_roll_back(struct vhdx *vhdx)
{
    struct vhdx_space *space = &vhdx->space;

    release(space, &space->taken);
    space->freed.count = 0;
    space->cursor = 0;
    vhdx_units_find_end(&space->units);
}
