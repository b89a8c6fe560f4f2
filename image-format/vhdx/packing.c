#include "image-format/vhdx/packing.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/progress.h"

#define BATCH_BYTES (64 * MIB)
#define BATCH_PAGES 128 /* of the BAT: fewer than the smallest log has room for */

void vhdx_packing_free(struct vhdx_packing *packing)
{
    free(packing->moves);
    *packing = (struct vhdx_packing){0};
}

/* What the scan for blocks at the end hands on. */
struct scan {
    struct vhdx_packing *packing;
    const struct vhdx_units *units;
    uint64_t beyond; /* units */
};

static int add_block(struct vhdx *vhdx, uint64_t index, uint64_t entry, void *context,
                     struct error *error)
{
    struct scan *scan = context;
    struct vhdx_packing *packing = scan->packing;
    uint64_t unit = vhdx_entry_offset(entry) / VHDX_UNIT;
    struct vhdx_move *larger;

    if (!vhdx_entry_has_place(entry) || unit + vhdx_block_units(vhdx) <= scan->beyond ||
        !vhdx_units_is_used(scan->units, unit))
        return 0;
    larger =
        array_make_room(packing->moves, packing->count, &packing->capacity, sizeof *larger, error);
    if (!larger)
        return -1;
    packing->moves = larger;
    larger[packing->count++] = (struct vhdx_move){.index = index, .entry = entry};
    return 0;
}

static int compare_moves(const void *a, const void *b)
{
    const struct vhdx_move *first = a, *second = b;
    uint64_t x = vhdx_entry_offset(first->entry), y = vhdx_entry_offset(second->entry);

    return x > y ? -1 : x < y;
}

/* Gives each block the lowest hole, until there is none before a block's own place. */
static void find_places(const struct vhdx *vhdx, struct vhdx_units *units,
                        struct vhdx_packing *packing)
{
    uint64_t count = vhdx_block_units(vhdx), cursor = 0;

    for (size_t i = 0; i < packing->count; i++) {
        struct vhdx_move *move = &packing->moves[i];
        uint64_t from = vhdx_entry_offset(move->entry) / VHDX_UNIT;
        uint64_t to = vhdx_units_find_free(units, count, cursor, from);

        if (to == UINT64_MAX) {
            packing->count = i;
            break;
        }
        vhdx_units_take(units, to, count);
        vhdx_units_give(units, from, count);
        move->to = to * VHDX_UNIT;
        cursor = to + count;
    }
    vhdx_units_find_end(units);
}

int vhdx_packing_plan(struct vhdx *vhdx, struct vhdx_units *units, uint64_t beyond,
                      struct vhdx_packing *ret_packing, struct error *error)
{
    struct vhdx_packing packing = {0};
    struct scan scan = {&packing, units, beyond};

    if (vhdx_bat_scan(vhdx, add_block, &scan, error)) {
        vhdx_packing_free(&packing);
        return -1;
    }
    if (packing.count > 0)
        qsort(packing.moves, packing.count, sizeof *packing.moves, compare_moves);
    find_places(vhdx, units, &packing);
    *ret_packing = packing;
    return 0;
}

int vhdx_end_own(struct vhdx *vhdx, int result, bool data, struct error *error)
{
    bool committed = vhdx->disk.committed;

    if (result == 0)
        result = vhdx_commit_changes(vhdx, data, error);
    vhdx_abort_unless_attempted(vhdx, result);
    vhdx->disk.committed = vhdx->disk.committed || committed;
    vhdx->disk.failed = vhdx->disk.failed || result != 0;
    return result;
}

static int check_not_moved(struct vhdx *vhdx, const struct vhdx_move *move, struct error *error)
{
    uint64_t entry;

    if (vhdx_bat_get(vhdx, move->index, &entry, error))
        return -1;
    return entry == move->entry ? 0
                                : error_set(error, ERROR_SYSTEM,
                                            "block %" PRIu64 " isn't any more where it was planned",
                                            vhdx_bat_block_of(vhdx, move->index));
}

static int move_block(struct vhdx *vhdx, const struct vhdx_move *move, struct error *error)
{
    uint64_t from = vhdx_entry_offset(move->entry), size = vhdx->metadata.block_size;
    enum vhdx_block_state state = vhdx_entry_state(move->entry);
    uint64_t file_size;

    if (state == VHDX_BLOCK_UNMAPPED_DRAFT)
        state = VHDX_BLOCK_UNMAPPED;
    if (check_not_moved(vhdx, move, error) || vhdx_space_take_at(vhdx, move->to, size, error) ||
        file_get_size(vhdx->file, &file_size, error))
        return -1;
    vhdx->disk.bytes_written += size;
    /* Old versions of QEMU end the file within its last block. */
    if (file_copy_range(vhdx->file, from, move->to, min_u64(size, file_size - from), error) ||
        vhdx_space_give(vhdx, from, size, error))
        return -1;
    return vhdx_bat_set(vhdx, move->index, vhdx_entry(state, move->to), error);
}

/* Bytes of a place in the file that the host doesn't store yet. */
static int count_unstored(struct vhdx *vhdx, uint64_t offset, uint64_t size, uint64_t *ret_bytes,
                          struct error *error)
{
    uint64_t end = offset + size, data, hole;

    for (*ret_bytes = 0; offset < end; offset = hole) {
        if (file_next_data(vhdx->file, offset, &data, error))
            return -1;
        data = min_u64(data, end);
        *ret_bytes += data - offset;
        if (data == end)
            return 0;
        if (file_next_hole(vhdx->file, data, &hole, error))
            return -1;
    }
    return 0;
}

/* One commit's worth of moves, from *next on. What a batch leaves at the end is the host's again
 * only after it, so that on a host that is nearly full a batch may be no more than one block. */
static int move_batch(struct vhdx *vhdx, const struct vhdx_packing *packing, size_t *next,
                      struct error *error)
{
    uint64_t size = vhdx->metadata.block_size, moved = 0, needed = 0;
    struct file_host_facts facts;

    if (file_host_facts(vhdx->file, &facts, error))
        return -1;
    while (*next < packing->count && (moved == 0 || moved + size <= BATCH_BYTES) &&
           vhdx->bat.dirty.count < BATCH_PAGES) {
        uint64_t unstored;

        if (count_unstored(vhdx, packing->moves[*next].to, size, &unstored, error))
            return -1;
        needed += unstored;
        if (moved > 0 && needed > facts.free_space)
            break;
        if (move_block(vhdx, &packing->moves[*next], error))
            return -1;
        moved += size;
        ++*next;
    }
    return 0;
}

int vhdx_packing_apply(struct vhdx *vhdx, const struct vhdx_packing *packing,
                       const struct disk_watch *watch, struct error *error)
{
    for (size_t next = 0; next < packing->count;) {
        if (disk_watch_check(watch, error) || vhdx_begin(&vhdx->disk, error) ||
            vhdx_end_own(vhdx, move_batch(vhdx, packing, &next, error), false, error) ||
            vhdx_cut_off(vhdx, error))
            return -1;
        progress_update(watch ? watch->progress : NULL, "packing", next * vhdx->metadata.block_size,
                        packing->count * vhdx->metadata.block_size);
    }
    return 0;
}

int vhdx_cut_off(struct vhdx *vhdx, struct error *error)
{
    uint64_t end = vhdx->space.units.end * VHDX_UNIT, file_size;

    if (file_get_size(vhdx->file, &file_size, error))
        return -1;
    if (end >= file_size)
        return 0;
    /* A power cut leaves a file that is too long at worst. */
    if (file_set_size(vhdx->file, end, error))
        return -1;
    vhdx->space.known = vhdx->space.units.end;
    return 0;
}
