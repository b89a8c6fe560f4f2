/*
 * Compaction: blocks whose contents nobody needs give their places back, then
 * the file is packed. The plan is made on a copy of the file's map, from which follows where the
 * file will end.
 *
 * The order: one commit (or some, where the log's place asks for it) in which blocks are given up
 * and a table that is longer than needed is cut short; a new place for a log that lies behind the
 * file's end to be, as a power cut leaves one that had to be longer (commit.c); the moves of
 * packing.h, in batches; one commit for a table that lies at the end and has a hole to go to.
 */
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "image-format/vhdx/log-entry.h"
#include "image-format/vhdx/packing.h"

/* Entries that are all given up in one commit are in memory until then: at most so much of them. */
#define LARGEST_COMMIT (64 * MIB)

/* Blocks of the disk, in a row, that are stored and needn't be. */
struct given_up {
    uint64_t block, count;
    enum vhdx_block_state state; /* what they become */
};

struct vhdx_compaction {
    struct disk_compaction compaction; /* first */
    struct given_up *given_up;
    size_t given_up_count, given_up_capacity;
    uint64_t bat_sectors; /* that giving them up changes */
    bool visible;         /* a reader of the disk could see it */
    uint32_t bat_length;  /* bytes: of the table's region where it is now */
    uint64_t bat_offset;  /* where it goes at the end */
    uint64_t log_offset;  /* where the log goes, to be of VHDX_UNIT bytes; or where it is */
    struct vhdx_packing packing;
    bool changes_tables; /* else there is nothing to do but cut off, if that */
};

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

static int add_given_up(struct vhdx_compaction *plan, struct given_up next, struct error *error)
{
    struct given_up *last = plan->given_up_count ? &plan->given_up[plan->given_up_count - 1] : NULL;
    struct given_up *larger;

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
    struct given_up next = {.block = block, .count = 1};
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

static int check_interrupted(const struct disk_watch *watch, struct error *error)
{
    return watch && watch->interrupted && watch->interrupted()
               ? error_set(error, ERROR_INTERRUPTED, "interrupted by a signal")
               : 0;
}

/* What a log entry holds beside BAT sectors: the region tables. */
#define OTHER_SECTORS (2 * (VHDX_REGION_TABLE_SIZE / VHDX_SECTOR_SIZE))

/* How many sectors of the BAT one commit may change: all, where the log has room for them, or the
 * host for a larger log; else what the log has room for. */
static int choose_sectors(struct vhdx *vhdx, const struct vhdx_compaction *plan,
                          uint64_t *ret_sectors, struct error *error)
{
    uint64_t size = vhdx_log_entry_size((uint32_t)(plan->bat_sectors + OTHER_SECTORS));
    uint64_t capacity = vhdx->header.log_length / VHDX_SECTOR_SIZE;
    struct file_host_facts facts;

    *ret_sectors = UINT64_MAX;
    if (size <= vhdx->header.log_length)
        return 0;
    if (file_host_facts(vhdx->file, &facts, error))
        return -1;
    if (size <= LARGEST_COMMIT && facts.free_space >= size + 2 * VHDX_UNIT)
        return 0;
    while (vhdx_log_entry_size((uint32_t)capacity) > vhdx->header.log_length)
        capacity--;
    *ret_sectors = capacity - OTHER_SECTORS;
    return 0;
}

static int give_up_block(struct vhdx *vhdx, uint64_t block, enum vhdx_block_state state,
                         struct error *error)
{
    uint64_t index = vhdx_bat_index(block, vhdx->chunk_ratio), entry;

    if (vhdx_bat_get(vhdx, index, &entry, error) ||
        vhdx_space_give(vhdx, vhdx_entry_offset(entry), vhdx->metadata.block_size, error))
        return -1;
    return vhdx_bat_set(vhdx, index, vhdx_entry(state, 0), error);
}

/* Where giving up goes on: a run, and a block of it. */
struct place {
    size_t run;
    uint64_t within;
};

/* One commit's worth, from *next on. */
static int give_up_batch(struct vhdx *vhdx, const struct vhdx_compaction *plan,
                         uint64_t most_sectors, struct place *next, struct error *error)
{
    for (; next->run < plan->given_up_count; next->run++, next->within = 0) {
        const struct given_up *run = &plan->given_up[next->run];

        for (; next->within < run->count; next->within++) {
            if (vhdx->bat.dirty.count >= most_sectors)
                return 0;
            if (give_up_block(vhdx, run->block + next->within, run->state, error))
                return -1;
        }
    }
    return 0;
}

/* The table's region gets as short as it need be. */
static int shorten_bat(struct vhdx *vhdx, uint32_t length, struct error *error)
{
    struct vhdx_region region = vhdx->bat_region;

    if (length == region.length)
        return 0;
    if (vhdx_space_give(vhdx, region.offset + length, region.length - length, error))
        return -1;
    region.length = length;
    vhdx->bat.length = length;
    vhdx->regions_differ = true;
    vhdx_regions_move_bat(vhdx, &region);
    return 0;
}

static int give_up(struct vhdx *vhdx, const struct vhdx_compaction *plan,
                   const struct disk_watch *watch, struct error *error)
{
    struct place next = {0};
    uint64_t most_sectors;

    if (choose_sectors(vhdx, plan, &most_sectors, error))
        return -1;
    while (next.run < plan->given_up_count || vhdx->bat_region.length != plan->bat_length) {
        int result;

        if (check_interrupted(watch, error) || vhdx_begin(&vhdx->disk, error))
            return -1;
        result = shorten_bat(vhdx, plan->bat_length, error) ||
                         give_up_batch(vhdx, plan, most_sectors, &next, error)
                     ? -1
                     : 0;
        if (vhdx_end_own(vhdx, result, plan->visible, error))
            return -1;
    }
    return 0;
}

/* The log is clear, so its bytes mean nothing: a header alone says where it lies. */
static int put_log(struct vhdx *vhdx, uint64_t offset, struct error *error)
{
    struct vhdx_header header = vhdx->header;

    if (vhdx_space_take_at(vhdx, offset, VHDX_UNIT, error) ||
        vhdx_space_give(vhdx, header.log_offset, header.log_length, error))
        return -1;
    header.log_offset = offset;
    header.log_length = VHDX_UNIT;
    return vhdx_header_update(vhdx, &header, error);
}

static int move_log(struct vhdx *vhdx, const struct vhdx_compaction *plan,
                    const struct disk_watch *watch, struct error *error)
{
    if (plan->log_offset == vhdx->header.log_offset)
        return 0;
    if (check_interrupted(watch, error) || vhdx_begin(&vhdx->disk, error))
        return -1;
    return vhdx_end_own(vhdx, put_log(vhdx, plan->log_offset, error), false, error);
}

static int move_bat(struct vhdx *vhdx, const struct vhdx_compaction *plan,
                    const struct disk_watch *watch, struct error *error)
{
    int result;

    if (plan->bat_offset == vhdx->bat_region.offset)
        return 0;
    if (check_interrupted(watch, error) || vhdx_begin(&vhdx->disk, error))
        return -1;
    result = vhdx_space_take_at(vhdx, plan->bat_offset, plan->bat_length, error) ||
                     vhdx_bat_relocate(vhdx, plan->bat_offset, plan->bat_length, false, error)
                 ? -1
                 : 0;
    return vhdx_end_own(vhdx, result, false, error);
}

/* The headers say that something changes, and a dirty log is replayed on disk. */
static int touch(struct vhdx *vhdx, struct error *error)
{
    return vhdx_begin(&vhdx->disk, error) || vhdx_end_own(vhdx, 0, false, error) ? -1 : 0;
}

int vhdx_compact(struct disk *disk, const struct disk_compaction *compaction,
                 const struct disk_watch *watch, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    const struct vhdx_compaction *plan = (const struct vhdx_compaction *)compaction;

    if (!plan->changes_tables && compaction->given_back == 0 && !vhdx->replayed_in_memory)
        return 0;
    if ((!plan->changes_tables && touch(vhdx, error)) || give_up(vhdx, plan, watch, error) ||
        move_log(vhdx, plan, watch, error) ||
        vhdx_packing_apply(vhdx, &plan->packing, watch, error) ||
        move_bat(vhdx, plan, watch, error) || vhdx_cut_off(vhdx, error))
        return -1;
    vhdx->freed_bytes = 0;
    vhdx->space.old_holes = vhdx->space.units.end - vhdx_units_count_used(&vhdx->space.units);
    return file_flush(vhdx->file, error);
}
