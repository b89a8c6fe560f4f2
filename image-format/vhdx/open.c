#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "image-format/vhdx/internal.h"

static void vhdx_close(struct disk *disk)
{
    struct vhdx *vhdx = vhdx_of(disk);

    vhdx_bat_close(vhdx);
    vhdx_space_close(vhdx);
    file_close(vhdx->file);
    free(vhdx->regions);
    free(vhdx->fresh);
    free(vhdx);
}

/* One UTF-16 unit as UTF-8 at *to; what is no character of the basic plane becomes '?'. */
static char *put_utf8(char *to, uint16_t unit)
{
    if (unit < 0x80) {
        *to++ = unit < 0x20 || unit == 0x7f ? '?' : (char)unit;
    } else if (unit < 0x800) {
        *to++ = (char)(0xc0 | unit >> 6);
        *to++ = (char)(0x80 | (unit & 0x3f));
    } else if (unit >= 0xd800 && unit < 0xe000) {
        *to++ = '?';
    } else {
        *to++ = (char)(0xe0 | unit >> 12);
        *to++ = (char)(0x80 | (unit >> 6 & 0x3f));
        *to++ = (char)(0x80 | (unit & 0x3f));
    }
    return to;
}

static int read_creator(struct vhdx *vhdx, char creator[DISK_CREATOR_SIZE], struct error *error)
{
    uint8_t units[VHDX_CREATOR_UNITS * 2];
    char *to = creator;

    _Static_assert(VHDX_CREATOR_UNITS * 3 < DISK_CREATOR_SIZE, "every creator fits as UTF-8");
    if (file_read(vhdx->file, VHDX_SIGNATURE_SIZE, units, sizeof units, error))
        return -1;
    for (unsigned i = 0; i < VHDX_CREATOR_UNITS && get_le16(units + 2 * i) != 0; i++)
        to = put_utf8(to, get_le16(units + 2 * i));
    *to = '\0';
    return 0;
}

static int vhdx_describe(struct disk *disk, struct disk_description *ret_description,
                         struct error *error)
{
    const struct vhdx *vhdx = vhdx_of(disk);
    const struct vhdx_metadata *metadata = &vhdx->metadata;
    struct disk_description description = {
        .format = "vhdx",
        .type = metadata->has_parent               ? "differencing"
                : metadata->leave_blocks_allocated ? "fixed"
                                                   : "dynamic",
        .log = vhdx->log_was_dirty && !vhdx->session_begun ? "dirty" : "clean",
        .virtual_size = disk->size,
        .block_size = metadata->block_size,
        .logical_sector_size = metadata->logical_sector_size,
        .physical_sector_size = metadata->physical_sector_size,
        .id = metadata->disk_id,
    };
    struct file_host_facts facts;

    if (file_get_size(vhdx->file, &description.file_size, error) ||
        file_host_facts(vhdx->file, &facts, error) ||
        read_creator(vhdx_of(disk), description.creator, error))
        return -1;
    description.allocated_size = facts.allocated_size;
    description.host_free_space = facts.free_space;
    *ret_description = description;
    return 0;
}

static const struct disk_operations vhdx_operations = {
    .describe = vhdx_describe,
    .read = vhdx_read,
    .extent = vhdx_extent,
    .begin = vhdx_begin,
    .write = vhdx_disk_write,
    .write_unreferenced = vhdx_write_unreferenced,
    .zero = vhdx_zero,
    .zero_unreferenced = vhdx_zero_unreferenced,
    .forget = vhdx_forget,
    .set_size = vhdx_set_size,
    .growth_cost = vhdx_growth_cost,
    .commit = vhdx_commit,
    .abort = vhdx_abort,
    .reclaim = vhdx_reclaim,
    .plan_compaction = vhdx_plan_compaction,
    .compact = vhdx_compact,
    .close = vhdx_close,
};

/* A dirty log is replayed in memory: the file isn't touched before a change begins. */
static int replay_in_memory(struct vhdx *vhdx, struct error *error)
{
    if (guid_is_zero(&vhdx->header.log))
        return 0;
    vhdx->file = file_overlay_new(vhdx->file, error);
    if (!vhdx->file)
        return -1;
    vhdx->replayed_in_memory = true;
    vhdx->log_was_dirty = true;
    return vhdx_log_replay(vhdx->file, &vhdx->header, error);
}

static int open_structures(struct vhdx *vhdx, struct error *error)
{
    if (vhdx_header_read(vhdx, error) || replay_in_memory(vhdx, error) ||
        vhdx_regions_read(vhdx, error) || vhdx_metadata_read(vhdx, error))
        return -1;
    vhdx->disk.size = vhdx->metadata.virtual_size;
    vhdx->fresh_size = divide_up(vhdx_blocks(vhdx), 8);
    vhdx->fresh = calloc((size_t)vhdx->fresh_size, 1);
    if (!vhdx->fresh)
        return error_set_no_memory(error);
    return vhdx_bat_open(vhdx, error);
}

struct disk *vhdx_open(struct file *file, struct error *error)
{
    struct vhdx *vhdx = calloc(1, sizeof *vhdx);

    if (!vhdx) {
        file_close(file);
        error_set_no_memory(error);
        return NULL;
    }
    vhdx->disk.operations = &vhdx_operations;
    vhdx->disk.writable = file->writable;
    vhdx->file = file;
    if (open_structures(vhdx, error)) {
        vhdx_close(&vhdx->disk);
        return NULL;
    }
    return &vhdx->disk;
}
