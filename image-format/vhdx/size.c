/*
 * Growing the disk. Where the BAT's region is too short, a new one is made at
 * the file's end, with the old entries and zeros behind them; the commit points
 * the region tables at it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "image-format/vhdx/internal.h"

static uint64_t entries_for(const struct vhdx *vhdx, uint64_t size)
{
    return vhdx_bat_entries(divide_up(size, vhdx->metadata.block_size), vhdx->chunk_ratio);
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

static int relocate_bat(struct vhdx *vhdx, uint64_t entries, struct error *error)
{
    struct vhdx_region region = vhdx->bat_region;
    uint64_t length = round_up(entries * VHDX_BAT_ENTRY_SIZE, VHDX_UNIT);
    uint64_t old_offset = vhdx->bat.offset;
    uint64_t old_size = vhdx->bat.entries * VHDX_BAT_ENTRY_SIZE;

    if (vhdx_space_take_at_end(vhdx, length / VHDX_UNIT, &region.offset, error) ||
        vhdx_space_give(vhdx, vhdx->bat_region.offset, vhdx->bat_region.length, error) ||
        file_set_size(vhdx->file, region.offset + length, error) ||
        file_copy_range(vhdx->file, old_offset, region.offset, old_size, error))
        return -1;
    vhdx->disk.bytes_written += old_size;
    region.length = (uint32_t)length;
    vhdx->bat.offset = region.offset;
    vhdx->bat.length = region.length;
    vhdx->bat.relocated = true;
    vhdx_regions_move_bat(vhdx, &region);
    return 0;
}

/* Entries that come into use hold zeros in the old table, too: what was stored behind the last
 * one counts no longer. Pages that are in memory read as zeros there already. */
static int clear_new_entries(struct vhdx *vhdx, uint64_t old_entries, struct error *error)
{
    for (uint64_t index = old_entries; index < vhdx->bat.entries; index++) {
        uint64_t entry;

        if (vhdx_bat_get(vhdx, index, &entry, error) ||
            (entry != 0 && vhdx_bat_set(vhdx, index, 0, error)))
            return -1;
    }
    return 0;
}

int vhdx_set_size(struct disk *disk, uint64_t size, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    uint64_t old_entries = vhdx->bat.entries;
    uint64_t entries = entries_for(vhdx, size);

    if (check_size(vhdx, size, error) || grow_fresh(vhdx, size, error))
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

int vhdx_growth_cost(struct disk *disk, uint64_t size, const struct disk_range *ranges,
                     size_t count, uint64_t *ret_cost, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    uint64_t bat_bytes = entries_for(vhdx, size) * VHDX_BAT_ENTRY_SIZE;
    uint64_t block_size = vhdx->metadata.block_size;
    uint64_t blocks = 0, next = 0; /* next: behind the last block that was counted */

    if (vhdx_space_build(vhdx, error))
        return -1;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = max_u64(ranges[i].offset / block_size, next);
        uint64_t end = divide_up(ranges[i].offset + ranges[i].size, block_size);

        if (first < end) {
            blocks += end - first;
            next = end;
        }
    }
    *ret_cost = blocks * block_size;
    if (bat_bytes > vhdx->bat.length)
        *ret_cost += round_up(bat_bytes, VHDX_UNIT);
    return 0;
}
