/*
 * Giving freed space back: blocks at the end of the file move into the holes,
 * a batch a commit, then the file is cut off. Between two batches, and at any
 * power cut within one, the image is whole.
 */
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "image-format/vhdx/internal.h"

#define BATCH_BYTES (64 * MIB)

struct tail_block {
    uint64_t index; /* of its BAT entry */
    uint64_t entry;
};

/* The blocks that lie behind a place in the file. */
struct tail {
    uint64_t behind; /* bytes */
    struct tail_block *blocks;
    size_t count, capacity;
};

static void cleanup_tail(struct tail *tail)
{
    free(tail->blocks);
}

static int add_to_tail(struct vhdx *vhdx, uint64_t index, uint64_t entry, void *context,
                       struct error *error)
{
    struct tail *tail = context;
    struct tail_block *larger;

    (void)vhdx;
    if (!vhdx_entry_has_place(entry) || vhdx_entry_offset(entry) < tail->behind)
        return 0;
    larger = array_make_room(tail->blocks, tail->count, &tail->capacity, sizeof *larger, error);
    if (!larger)
        return -1;
    tail->blocks = larger;
    tail->blocks[tail->count++] = (struct tail_block){index, entry};
    return 0;
}

static int compare_blocks(const void *a, const void *b)
{
    const struct tail_block *first = a, *second = b;
    uint64_t x = vhdx_entry_offset(first->entry), y = vhdx_entry_offset(second->entry);

    return x > y ? -1 : x < y;
}

/* Moves one block before its present place; *ret_moved is false when there is no hole for it. */
static int move_down(struct vhdx *vhdx, const struct tail_block *block, bool *ret_moved,
                     struct error *error)
{
    uint64_t from = vhdx_entry_offset(block->entry), to;
    enum vhdx_block_state state = vhdx_entry_state(block->entry);
    uint64_t block_size = vhdx->metadata.block_size;
    uint64_t file_size;
    bool zeroed;

    if (vhdx_space_take(vhdx, vhdx_block_units(vhdx), from / VHDX_UNIT, &to, &zeroed, error) ||
        file_get_size(vhdx->file, &file_size, error))
        return -1;
    *ret_moved = to != 0;
    if (!*ret_moved)
        return 0;
    vhdx->disk.bytes_written += block_size;
    if (file_copy_range(vhdx->file, from, to, min_u64(block_size, file_size - from), error) ||
        vhdx_space_give(vhdx, from, block_size, error))
        return -1;
    if (state == VHDX_BLOCK_UNMAPPED_DRAFT)
        state = VHDX_BLOCK_UNMAPPED;
    return vhdx_bat_set(vhdx, block->index, vhdx_entry(state, to), error);
}

/* One commit's worth of moves, from *next on. */
static int move_batch(struct vhdx *vhdx, const struct tail *tail, size_t *next, bool *ret_done,
                      struct error *error)
{
    uint64_t moved_bytes = 0;

    *ret_done = *next == tail->count;
    while (*next < tail->count && moved_bytes < BATCH_BYTES) {
        bool moved;

        if (move_down(vhdx, &tail->blocks[*next], &moved, error))
            return -1;
        if (!moved) {
            *ret_done = true;
            break;
        }
        moved_bytes += vhdx->metadata.block_size;
        (*next)++;
    }
    return moved_bytes > 0 ? vhdx_commit_changes(vhdx, false, error) : 0;
}

static int move_tail(struct vhdx *vhdx, struct error *error)
{
    CLEANUP(cleanup_tail) struct tail tail = {0};
    size_t next = 0;
    bool done = false;

    /* Only as much as the commits freed: older holes are no business of this. */
    tail.behind = (vhdx_units_count_used(&vhdx->space.units) + vhdx->space.old_holes) * VHDX_UNIT;
    if (vhdx_bat_scan(vhdx, add_to_tail, &tail, error))
        return -1;
    if (tail.count > 0)
        qsort(tail.blocks, tail.count, sizeof *tail.blocks, compare_blocks);
    while (!done) {
        int result;

        if (vhdx_begin(&vhdx->disk, error))
            return -1;
        result = move_batch(vhdx, &tail, &next, &done, error);
        vhdx_abort_unless_attempted(vhdx, result);
        vhdx->disk.committed = true; /* whatever becomes of this one, the commits before stand */
        if (result) {
            vhdx->disk.failed = true;
            return -1;
        }
    }
    return 0;
}

int vhdx_reclaim(struct disk *disk, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    uint64_t end, file_size;

    if (vhdx->freed_bytes == 0)
        return 0;
    if (move_tail(vhdx, error) || file_get_size(vhdx->file, &file_size, error))
        return -1;
    vhdx->freed_bytes = 0;
    end = vhdx->space.units.end * VHDX_UNIT;
    if (end >= file_size)
        return 0;
    /* V4: the log is clear, so a cut leaves a file that is too long at worst. */
    if (file_set_size(vhdx->file, end, error))
        return -1;
    vhdx->space.known = vhdx->space.units.end;
    return file_flush(vhdx->file, error);
}
