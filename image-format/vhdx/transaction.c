/*
 * Beginning and ending a transaction.
 */
#include <stdlib.h>
#include <string.h>

#include "image-format/vhdx/internal.h"

int vhdx_write(struct vhdx *vhdx, uint64_t offset, const void *bytes, size_t size,
               struct error *error)
{
    vhdx->disk.bytes_written += size;
    return file_write(vhdx->file, offset, bytes, size, error);
}

int vhdx_write_zeros(struct vhdx *vhdx, uint64_t offset, uint64_t size, struct error *error)
{
    vhdx->disk.bytes_written += size;
    return file_write_zeros(vhdx->file, offset, size, error);
}

/* What MS-VHDX allows and this tool can't change yet, and what nobody may change. */
int vhdx_check_changeable(const struct vhdx *vhdx, struct error *error)
{
    if (vhdx->metadata.incomplete)
        return error_set(error, ERROR_REFUSED,
                         "the program that made this image didn't finish (an incomplete-file "
                         "mark is set)");
    if (vhdx->metadata.has_parent)
        return error_set(error, ERROR_UNSUPPORTED, "a differencing disk can't be changed yet");
    if (vhdx->metadata.leave_blocks_allocated)
        return error_set(error, ERROR_UNSUPPORTED, "a fixed VHDX can't be changed yet");
    if (vhdx->header.log_length == 0)
        return error_set(error, ERROR_CORRUPT, "the file has no log (1 MiB or more expected)");
    return 0;
}

/* The file-write id changes before anything else does (2.2.2). */
static int begin_session(struct vhdx *vhdx, struct error *error)
{
    struct vhdx_header header = vhdx->header;

    if (vhdx->session_begun)
        return 0;
    guid_generate(&header.file_write);
    if (vhdx_header_update(vhdx, &header, error))
        return -1;
    vhdx->session_begun = true;
    return 0;
}

static int replay_and_clear(struct vhdx *vhdx, struct error *error)
{
    struct vhdx_header header;

    if (begin_session(vhdx, error) || vhdx_log_replay(vhdx->file, &vhdx->header, error) ||
        file_flush(vhdx->file, error))
        return -1;
    header = vhdx->header;
    header.log = (struct guid){{0}};
    return vhdx_header_update(vhdx, &header, error);
}

/* What was replayed in memory for reading is now replayed on disk. Until that has succeeded, reads
 * go on through the overlay. */
static int replay_on_disk(struct vhdx *vhdx, struct error *error)
{
    struct file *overlay = vhdx->file;

    if (!vhdx->replayed_in_memory)
        return begin_session(vhdx, error);
    vhdx->file = file_overlay_below(overlay);
    if (replay_and_clear(vhdx, error)) {
        vhdx->file = overlay;
        vhdx->disk.failed = true;
        return -1;
    }
    file_overlay_drop(overlay);
    vhdx->replayed_in_memory = false;
    return 0;
}

int vhdx_announce_data_write(struct vhdx *vhdx, struct error *error)
{
    struct vhdx_header header = vhdx->header;

    if (vhdx->data_write_is_new)
        return 0;
    guid_generate(&header.data_write);
    if (vhdx_header_update(vhdx, &header, error))
        return -1;
    vhdx->data_write_is_new = true;
    return 0;
}

int vhdx_begin(struct disk *disk, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);

    if (vhdx_check_changeable(vhdx, error) || vhdx_space_build(vhdx, error) ||
        replay_on_disk(vhdx, error) || file_get_size(vhdx->file, &vhdx->before.file_size, error))
        return -1;
    memset(vhdx->fresh, 0, (size_t)vhdx->fresh_size);
    vhdx->commit_attempted = false;
    vhdx->before.virtual_size = disk->size;
    vhdx->before.bat_region = vhdx->bat_region;
    return 0;
}

/* A commit whose header may have reached the file can't be taken back: either state is whole
 * there, and cutting the file off would break the new one. */
void vhdx_abort_unless_attempted(struct vhdx *vhdx, int result)
{
    if (result && !vhdx->commit_attempted)
        vhdx_abort(&vhdx->disk);
}

int vhdx_commit(struct disk *disk, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    int result = vhdx_commit_changes(vhdx, true, error);

    vhdx_abort_unless_attempted(vhdx, result);
    return result;
}

void vhdx_abort(struct disk *disk)
{
    struct vhdx *vhdx = vhdx_of(disk);
    struct error ignored;

    vhdx_bat_drop_pages(vhdx);
    disk->size = vhdx->before.virtual_size;
    vhdx_regions_move_bat(vhdx, &vhdx->before.bat_region);
    vhdx->bat.relocated = false;
    vhdx->bat.offset = vhdx->bat_region.offset;
    vhdx->bat.length = vhdx->bat_region.length;
    vhdx->bat.entries = vhdx_bat_entries(vhdx_blocks(vhdx), vhdx->chunk_ratio);
    vhdx_space_roll_back(vhdx);
    /* What was added to the file is cut off again (V4: the log is clear). Where that fails the
     * file is longer than it need be, and may hold anything there. */
    if (file_set_size(vhdx->file, vhdx->before.file_size, &ignored))
        disk->failed = true;
}
