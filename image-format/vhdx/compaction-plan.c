#include "image-format/vhdx/compaction.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"

static void free_plan(struct disk_compaction *compaction)
{
    struct vhdx_compaction *plan = (struct vhdx_compaction *)compaction;

    vhdx_packing_free(&plan->packing);
    free(plan->given_up);
    free(plan);
}

/* While the entries are walked over in their order, and the ranges along with them. */
struct scan {
    struct vhdx_compaction *plan;
    struct vhdx_units *units;
    const struct disk_unused *unused;
    size_t count, at;
    uint64_t last_sector; /* of the BAT, plus one; 0: none yet */
};

/* The state that a block of that kind gets; a block may lie in ranges of more than one kind. */
static enum vhdx_block_state state_for(const struct vhdx *vhdx, const struct scan *scan,
                                       uint64_t block, bool *ret_visible)
{
    uint64_t end = (block + 1) * vhdx->metadata.block_size;
    enum vhdx_block_state state = VHDX_BLOCK_NOT_PRESENT;

    *ret_visible = false;
    for (size_t i = scan->at; i < scan->count && scan->unused[i].offset < end; i++) {
        if (scan->unused[i].kind != DISK_UNUSED_FREE)
            state = VHDX_BLOCK_ZERO;
        *ret_visible = *ret_visible || scan->unused[i].kind != DISK_UNUSED_ZEROS;
    }
    return state;
}

/* Whether the ranges cover the whole block. */
static bool covers(const struct vhdx *vhdx, struct scan *scan, uint64_t block)
{
    uint64_t at = block * vhdx->metadata.block_size;
    uint64_t end = min_u64(at + vhdx->metadata.block_size, vhdx->disk.size);

    while (scan->at < scan->count &&
           scan->unused[scan->at].offset + scan->unused[scan->at].size <= at)
        scan->at++;
    for (size_t i = scan->at; i < scan->count && scan->unused[i].offset <= at && at < end; i++)
        at = scan->unused[i].offset + scan->unused[i].size;
    return at >= end;
}

static int add_given_up(struct vhdx_compaction *plan, struct vhdx_given_up next,
                        struct error *error)
{
    struct vhdx_given_up *last =
        plan->given_up_count ? &plan->given_up[plan->given_up_count - 1] : NULL;
    struct vhdx_given_up *larger;

    if (last && last->block + last->count == next.block && last->state == next.state) {
        last->count++;
        return 0;
    }
    larger = array_make_room(plan->given_up, plan->given_up_count, &plan->given_up_capacity,
                             sizeof *larger, error);
    if (!larger)
        return -1;
    plan->given_up = larger;
    larger[plan->given_up_count++] = next;
    return 0;
}

static int look_at_entry(struct vhdx *vhdx, uint64_t index, uint64_t entry, void *context,
                         struct error *error)
{
    struct scan *scan = context;
    uint64_t block = vhdx_bat_block_of(vhdx, index);
    uint64_t sector = index * VHDX_BAT_ENTRY_SIZE / VHDX_SECTOR_SIZE;
    struct vhdx_given_up next = {.block = block, .count = 1};
    bool visible;

    if (!vhdx_entry_has_place(entry) || !covers(vhdx, scan, block))
        return 0;
    next.state = state_for(vhdx, scan, block, &visible);
    scan->plan->visible = scan->plan->visible || visible;
    scan->plan->compaction.forgotten += vhdx->metadata.block_size;
    scan->plan->bat_sectors += scan->last_sector != sector + 1;
    scan->last_sector = sector + 1;
    vhdx_units_give(scan->units, vhdx_entry_offset(entry) / VHDX_UNIT, vhdx_block_units(vhdx));
    return add_given_up(scan->plan, next, error);
}

static uint64_t to_units(uint64_t bytes)
{
    return bytes / VHDX_UNIT;
}

/* A log that would keep the file long goes to the first hole, as short as a log may be. */
static void plan_log_move(const struct vhdx *vhdx, struct vhdx_units *units,
                          struct vhdx_compaction *plan)
{
    uint64_t from = to_units(vhdx->header.log_offset), count = to_units(vhdx->header.log_length);
    uint64_t to = vhdx_units_find_free(units, 1, 0, from);

    plan->log_offset = vhdx->header.log_offset;
    if (from + count <= vhdx_units_count_used(units) || to == UINT64_MAX)
        return;
    vhdx_units_give(units, from, count);
    vhdx_units_take(units, to, 1);
    vhdx_units_find_end(units);
    plan->log_offset = to * VHDX_UNIT;
}

/* A table at the file's end goes to the first hole that holds it. */
static void plan_bat_move(const struct vhdx *vhdx, struct vhdx_units *units,
                          struct vhdx_compaction *plan)
{
    uint64_t from = to_units(vhdx->bat_region.offset), count = to_units(plan->bat_length);
    uint64_t to = vhdx_units_find_free(units, count, 0, from);

    if (from + count != units->end || to == UINT64_MAX)
        return;
    vhdx_units_give(units, from, count);
    vhdx_units_take(units, to, count);
    vhdx_units_find_end(units);
    plan->bat_offset = to * VHDX_UNIT;
    plan->compaction.moved += plan->bat_length;
}

static int plan_all(struct vhdx *vhdx, struct scan *scan, struct error *error)
{
    struct vhdx_compaction *plan = scan->plan;
    struct vhdx_units *units = scan->units;
    const struct vhdx_region *bat = &vhdx->bat_region;
    uint64_t needed = round_up(vhdx->bat.entries * VHDX_BAT_ENTRY_SIZE, VHDX_UNIT);

    if (vhdx_bat_scan(vhdx, look_at_entry, scan, error))
        return -1;
    plan->bat_offset = bat->offset;
    plan->bat_length = (uint32_t)min_u64(bat->length, needed);
    vhdx_units_give(units, to_units(bat->offset + plan->bat_length),
                    to_units(bat->length - plan->bat_length));
    vhdx_units_find_end(units);
    plan_log_move(vhdx, units, plan);
    if (vhdx_packing_plan(vhdx, units, vhdx_units_count_used(units), &plan->packing, error))
        return -1;
    plan->compaction.moved = plan->packing.count * vhdx->metadata.block_size;
    plan_bat_move(vhdx, units, plan);
    return 0;
}

/* Where the file ends. */
static int sum_up(struct vhdx *vhdx, struct vhdx_compaction *plan, uint64_t end,
                  struct error *error)
{
    uint64_t file_size;

    if (file_get_size(vhdx->file, &file_size, error))
        return -1;
    plan->changes_tables = plan->given_up_count > 0 || plan->packing.count > 0 ||
                           plan->bat_length != vhdx->bat_region.length ||
                           plan->bat_offset != vhdx->bat_region.offset ||
                           plan->log_offset != vhdx->header.log_offset;
    plan->compaction.file_size = plan->changes_tables ? end : min_u64(end, file_size);
    plan->compaction.given_back = file_size - min_u64(file_size, plan->compaction.file_size);
    return 0;
}

int vhdx_plan_compaction(struct disk *disk, const struct disk_unused *unused, size_t count,
                         struct disk_compaction **ret_compaction, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    CLEANUP(vhdx_units_free) struct vhdx_units units = {0};
    CLEANUP(cleanup_disk_compaction) struct disk_compaction *compaction = NULL;
    struct vhdx_compaction *plan = calloc(1, sizeof *plan);
    struct scan scan = {.plan = plan, .units = &units, .unused = unused, .count = count};

    if (!plan)
        return error_set_no_memory(error);
    compaction = &plan->compaction;
    compaction->free = free_plan;
    if (vhdx_check_changeable(vhdx, error) || vhdx_space_build(vhdx, error) ||
        vhdx_units_copy(&vhdx->space.units, &units, error) || plan_all(vhdx, &scan, error) ||
        sum_up(vhdx, plan, units.end * VHDX_UNIT, error))
        return -1;
    *ret_compaction = TAKE(compaction);
    return 0;
}
