/*
 * Making the disk larger or smaller.
 *
 * Where the BAT's region is too short, a new one is made at the file's end, with
 * the old entries and zeros behind them; the commit points the region tables at
 * it. Where it is longer than need be, it stays as long.
 *
 * The blocks that a smaller disk lacks leave the table with the same commit, and
 * their places are free once it is done: their entries become 0, so that no
 * program finds them again when it makes the disk larger. What the last block
 * holds behind the new end stays there, unseen, until the disk grows.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "image-format/vhdx/internal.h"
#include "image-format/vhdx/log-entry.h"

static uint64_t entries_for(const struct vhdx *vhdx, uint64_t size)
{
    return vhdx_bat_entries(divide_up(size, vhdx->metadata.block_size), vhdx->chunk_ratio);
}

/* The sector of the BAT that holds a block's entry. */
static uint64_t bat_sector(const struct vhdx *vhdx, uint64_t block)
{
    return vhdx_bat_index(block, vhdx->chunk_ratio) * VHDX_BAT_ENTRY_SIZE / VHDX_SECTOR_SIZE;
}

static int check_size(const struct vhdx *vhdx, uint64_t size, struct error *error)
{
    if (size == 0 || size > VHDX_MAX_VIRTUAL_SIZE || size % vhdx->metadata.logical_sector_size != 0)
        return error_set(error, ERROR_REFUSED,
                         "the new size is %" PRIu64 " bytes (whole sectors of %" PRIu32
                         " bytes, at least one and at most 64 TiB, expected)",
                         size, vhdx->metadata.logical_sector_size);
    return 0;
}

/* Room for the marks of blocks taken in this transaction. It never gets less: an abort brings the
 * old size back. */
static int grow_fresh(struct vhdx *vhdx, uint64_t size, struct error *error)
{
    uint64_t bytes = divide_up(divide_up(size, vhdx->metadata.block_size), 8);
    uint8_t *larger;

    if (bytes <= vhdx->fresh_size)
        return 0;
    larger = realloc(vhdx->fresh, (size_t)bytes);
    if (!larger)
        return error_set_no_memory(error);
    memset(larger + vhdx->fresh_size, 0, (size_t)(bytes - vhdx->fresh_size));
    vhdx->fresh = larger;
    vhdx->fresh_size = bytes;
    return 0;
}

/* A new place for the BAT, at the file's end. */
static int relocate_bat(struct vhdx *vhdx, uint64_t entries, struct error *error)
{
    uint64_t length = round_up(entries * VHDX_BAT_ENTRY_SIZE, VHDX_UNIT), offset;

    return vhdx_space_take_at_end(vhdx, length / VHDX_UNIT, &offset, error) ||
                   file_set_size(vhdx->file, offset + length, error) ||
                   vhdx_bat_relocate(vhdx, offset, (uint32_t)length, true, error)
               ? -1
               : 0;
}

/* Entries that come into use hold zeros in the old table, too: what was stored behind the last
 * one counts no longer. A page that is in memory reads as zeros there already, whatever the file
 * holds: it is written in any case. */
static int clear_new_entries(struct vhdx *vhdx, uint64_t old_entries, struct error *error)
{
    for (uint64_t index = old_entries; index < vhdx->bat.entries; index++) {
        uint64_t entry;

        if (vhdx_bat_get(vhdx, index, &entry, error) ||
            ((entry != 0 || index == old_entries) && vhdx_bat_set(vhdx, index, 0, error)))
            return -1;
    }
    return 0;
}

/* Gives up the blocks whose entries are the table's from the given one on. Entries that are 0 stay
 * untouched: a sector of the table without others needn't be logged. */
static int drop_entries(struct vhdx *vhdx, uint64_t first, struct error *error)
{
    for (uint64_t index = first; index < vhdx->bat.entries; index++) {
        uint64_t entry;

        if (vhdx_bat_get(vhdx, index, &entry, error))
            return -1;
        if (entry == 0)
            continue;
        if (vhdx_bat_set(vhdx, index, 0, error) ||
            (vhdx_entry_has_place(entry) &&
             vhdx_space_give(vhdx, vhdx_entry_offset(entry), vhdx->metadata.block_size, error)))
            return -1;
    }
    return 0;
}

static int shrink(struct vhdx *vhdx, uint64_t size, struct error *error)
{
    uint64_t entries = entries_for(vhdx, size);

    if (drop_entries(vhdx, entries, error))
        return -1;
    vhdx->bat.entries = entries;
    vhdx->disk.size = size;
    return 0;
}

int vhdx_set_size(struct disk *disk, uint64_t size, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    uint64_t old_entries = vhdx->bat.entries;
    uint64_t entries = entries_for(vhdx, size);

    if (check_size(vhdx, size, error))
        return -1;
    if (size < disk->size)
        return shrink(vhdx, size, error);
    if (grow_fresh(vhdx, size, error) || vhdx_clear_behind_end(vhdx, error))
        return -1;
    if (entries * VHDX_BAT_ENTRY_SIZE <= vhdx->bat.length) {
        vhdx->bat.entries = entries;
        disk->size = size;
        return clear_new_entries(vhdx, old_entries, error);
    }
    if (relocate_bat(vhdx, entries, error))
        return -1;
    vhdx->bat.entries = entries;
    disk->size = size;
    return 0;
}

/* What a change of so many BAT sectors makes the log take up at the file's end. */
static uint64_t log_cost(const struct vhdx *vhdx, uint64_t bat_sectors)
{
    /* Beside them: the first sector of the new entries, the virtual size, the region tables. */
    uint64_t updates = bat_sectors + 1 + 2 + 2 * (VHDX_REGION_TABLE_SIZE / VHDX_SECTOR_SIZE);
    uint64_t size = vhdx_log_entry_size((uint32_t)updates);

    return size > vhdx->header.log_length ? round_up(size, VHDX_UNIT) : 0;
}

/* Sectors of the BAT in which entries are cut off. */
struct cut {
    uint64_t entries; /* of the smaller table */
    uint64_t count;
    uint64_t next_sector; /* behind the last one that was counted */
};

static int count_cut_sector(struct vhdx *vhdx, uint64_t index, uint64_t entry, void *context,
                            struct error *error)
{
    struct cut *cut = context;
    uint64_t sector = index * VHDX_BAT_ENTRY_SIZE / VHDX_SECTOR_SIZE;

    (void)vhdx;
    (void)entry;
    (void)error;
    if (index >= cut->entries && sector >= cut->next_sector) {
        cut->count++;
        cut->next_sector = sector + 1;
    }
    return 0;
}

static int count_cut_sectors(struct vhdx *vhdx, uint64_t size, uint64_t *ret_count,
                             struct error *error)
{
    struct cut cut = {.entries = entries_for(vhdx, size)};

    if (cut.entries < vhdx->bat.entries && vhdx_bat_scan(vhdx, count_cut_sector, &cut, error))
        return -1;
    *ret_count = cut.count;
    return 0;
}

/* The units that the file has room for already, or whose first part it has. */
static uint64_t rounding_cost(const struct vhdx *vhdx, uint64_t file_size)
{
    return max_u64(round_up(file_size, VHDX_UNIT), vhdx->space.units.end * VHDX_UNIT) - file_size;
}

int vhdx_growth_cost(struct disk *disk, uint64_t size, const struct disk_range *ranges,
                     size_t count, uint64_t *ret_cost, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    uint64_t bat_bytes = entries_for(vhdx, size) * VHDX_BAT_ENTRY_SIZE;
    uint64_t block_size = vhdx->metadata.block_size;
    uint64_t blocks = 0, next = 0;         /* next: behind the last block that was counted */
    uint64_t bat_sectors, next_sector = 0; /* likewise */
    uint64_t file_size;

    if (vhdx_check_changeable(vhdx, error) || check_size(vhdx, size, error) ||
        vhdx_space_build(vhdx, error) || count_cut_sectors(vhdx, size, &bat_sectors, error) ||
        file_get_size(vhdx->file, &file_size, error))
        return -1;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = max_u64(ranges[i].offset / block_size, next);
        uint64_t end = divide_up(ranges[i].offset + ranges[i].size, block_size);

        if (first < end) {
            uint64_t sector = max_u64(bat_sector(vhdx, first), next_sector);

            blocks += end - first;
            next = end;
            next_sector = bat_sector(vhdx, end - 1) + 1;
            bat_sectors += next_sector - min_u64(sector, next_sector);
        }
    }
    *ret_cost = blocks * block_size + rounding_cost(vhdx, file_size);
    if (bat_bytes > vhdx->bat.length)
        *ret_cost += round_up(bat_bytes, VHDX_UNIT);
    else
        *ret_cost += log_cost(vhdx, bat_sectors);
    return 0;
}
