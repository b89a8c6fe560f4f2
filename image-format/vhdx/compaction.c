#include "image-format/vhdx/compaction.h"

#include "image-format/vhdx/log-entry.h"

/* Entries that are all given up in one commit are in memory until then: at most so much of them. */
#define LARGEST_COMMIT (64 * MIB)

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

    if (vhdx_bat_get(vhdx, index, &entry, error))
        return -1;
    if (!vhdx_entry_has_place(entry))
        return error_set(error, ERROR_SYSTEM, "the plan is of another state of the image");
    if (vhdx_space_give(vhdx, vhdx_entry_offset(entry), vhdx->metadata.block_size, error))
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
        const struct vhdx_given_up *run = &plan->given_up[next->run];

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

/* Without a commit, too, the headers say that something changes, and a dirty log is replayed. */
static int touch(struct vhdx *vhdx, struct error *error)
{
    return vhdx_begin(&vhdx->disk, error) || vhdx_end_own(vhdx, 0, false, error) ? -1 : 0;
}

static int give_up(struct vhdx *vhdx, const struct vhdx_compaction *plan,
                   const struct disk_watch *watch, struct error *error)
{
    struct place next = {0};
    uint64_t most_sectors;

    if (plan->given_up_count == 0 && vhdx->bat_region.length == plan->bat_length)
        return touch(vhdx, error);
    if (choose_sectors(vhdx, plan, &most_sectors, error))
        return -1;
    while (next.run < plan->given_up_count || vhdx->bat_region.length != plan->bat_length) {
        int result;

        if (disk_watch_check(watch, error) || vhdx_begin(&vhdx->disk, error))
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
    if (disk_watch_check(watch, error) || vhdx_begin(&vhdx->disk, error))
        return -1;
    return vhdx_end_own(vhdx, put_log(vhdx, plan->log_offset, error), false, error);
}

static int move_bat(struct vhdx *vhdx, const struct vhdx_compaction *plan,
                    const struct disk_watch *watch, struct error *error)
{
    int result;

    if (plan->bat_offset == vhdx->bat_region.offset)
        return 0;
    if (disk_watch_check(watch, error) || vhdx_begin(&vhdx->disk, error))
        return -1;
    result = vhdx_space_take_at(vhdx, plan->bat_offset, plan->bat_length, error) ||
                     vhdx_bat_relocate(vhdx, plan->bat_offset, plan->bat_length, false, error)
                 ? -1
                 : 0;
    return vhdx_end_own(vhdx, result, false, error);
}

int vhdx_compact(struct disk *disk, const struct disk_compaction *compaction,
                 const struct disk_watch *watch, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    const struct vhdx_compaction *plan = (const struct vhdx_compaction *)compaction;

    if (!plan->changes_tables && compaction->given_back == 0 && !vhdx->replayed_in_memory)
        return 0;
    /* What is free at the end goes first: a full host has room then. */
    if (give_up(vhdx, plan, watch, error) || vhdx_cut_off(vhdx, error) ||
        move_log(vhdx, plan, watch, error) ||
        vhdx_packing_apply(vhdx, &plan->packing, watch, error) ||
        move_bat(vhdx, plan, watch, error) || vhdx_cut_off(vhdx, error))
        return -1;
    vhdx->freed_bytes = 0;
    vhdx->space.old_holes = vhdx->space.units.end - vhdx_units_count_used(&vhdx->space.units);
    return file_flush(vhdx->file, error);
}
