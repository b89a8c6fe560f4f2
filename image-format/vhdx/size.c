/*
 * Growing the disk. Where the BAT's region is too short, a new one is made at
 * the file's end, with the old entries and zeros behind them; the commit points
 * the region tables at it.
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
    if (size < vhdx->disk.size)
        return error_set(error, ERROR_UNSUPPORTED, "a VHDX can't be made smaller yet");
    if (size > VHDX_MAX_VIRTUAL_SIZE || size % vhdx->metadata.logical_sector_size != 0)
        return error_set(error, ERROR_REFUSED,
                         "the new size is %" PRIu64 " bytes (whole sectors of %" PRIu32
                         " bytes, and at most 64 TiB, expected)",
                         size, vhdx->metadata.logical_sector_size);
    return 0;
}

/* Room for the marks of blocks taken in this transaction. */
static int grow_fresh(struct vhdx *vhdx, uint64_t size, struct error *error)
{
    uint64_t old_bytes = divide_up(vhdx_blocks(vhdx), 8);
    uint64_t new_bytes = divide_up(divide_up(size, vhdx->metadata.block_size), 8);
    uint8_t *larger = realloc(vhdx->fresh, (size_t)new_bytes);

    if (!larger)
        return error_set_no_memory(error);
    memset(larger + old_bytes, 0, (size_t)(new_bytes - old_bytes));
    vhdx->fresh = larger;
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

int vhdx_set_size(struct disk *disk, uint64_t size, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    uint64_t old_entries = vhdx->bat.entries;
    uint64_t entries = entries_for(vhdx, size);

    if (check_size(vhdx, size, error) || grow_fresh(vhdx, size, error) ||
        vhdx_clear_behind_end(vhdx, error))
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
    uint64_t blocks = 0, next = 0;             /* next: behind the last block that was counted */
    uint64_t bat_sectors = 0, next_sector = 0; /* likewise */
    uint64_t file_size;

    if (vhdx_check_changeable(vhdx, error) || check_size(vhdx, size, error) ||
        vhdx_space_build(vhdx, error) || file_get_size(vhdx->file, &file_size, error))
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
