/*
 * Where a file has data and where it has holes, as it reads through an overlay.
 */
#include "base/checked.h"
#include "image-format/file-overlay-internal.h"

/* The first kept sector from the one numbered from on and below the one numbered to, with bytes or
 * of zeros; to where there is none. */
static uint64_t next_kept(struct overlay *overlay, uint64_t from, uint64_t to, bool zeros)
{
    uint64_t next = to;

    if (overlay->kept == 0)
        return to;
    for (uint64_t number = from; to - from <= OVERLAY_BUCKETS && number < to; number++) {
        const struct overlay_sector *sector = *overlay_find_sector(overlay, number);

        if (sector && !sector->bytes == zeros)
            return number;
    }
    for (unsigned i = 0; to - from > OVERLAY_BUCKETS && i < OVERLAY_BUCKETS; i++)
        for (const struct overlay_sector *sector = overlay->buckets[i]; sector;
             sector = sector->next)
            if (sector->number >= from && sector->number < next && !sector->bytes == zeros)
                next = sector->number;
    return next;
}

/* Whether there is data or a hole at offset, and how far that goes on at least. */
static int find_extent(struct overlay *overlay, uint64_t offset, bool *ret_data, uint64_t *ret_end,
                       struct error *error)
{
    uint64_t number = offset / OVERLAY_SECTOR_SIZE, end = overlay->size;
    const struct overlay_sector *sector = *overlay_find_sector(overlay, number);
    uint64_t data = overlay->size, kept;

    if (sector) {
        *ret_data = sector->bytes;
        *ret_end = min_u64(end, (number + 1) * OVERLAY_SECTOR_SIZE);
        return 0;
    }
    if (offset < overlay->limit && file_next_data(overlay->below, offset, &data, error))
        return -1;
    *ret_data = data <= offset && offset < overlay->limit;
    if (*ret_data && file_next_hole(overlay->below, offset, &end, error))
        return -1;
    if (*ret_data)
        end = min_u64(max_u64(end, offset + 1), overlay->limit);
    else if (data < overlay->limit)
        end = data;
    end = min_u64(end, overlay->size);
    /* Only what is of the other kind ends it. */
    kept = next_kept(overlay, number + 1, max_u64(number + 1, divide_up(end, OVERLAY_SECTOR_SIZE)),
                     *ret_data);
    *ret_end = min_u64(end, kept * OVERLAY_SECTOR_SIZE);
    return 0;
}

static int next_extent(struct overlay *overlay, uint64_t offset, bool data, uint64_t *ret_offset,
                       struct error *error)
{
    while (offset < overlay->size) {
        uint64_t end;
        bool found;

        if (find_extent(overlay, offset, &found, &end, error))
            return -1;
        if (found == data)
            break;
        offset = end;
    }
    *ret_offset = min_u64(offset, overlay->size);
    return 0;
}

int overlay_next_data(struct file *file, uint64_t offset, uint64_t *ret_offset, struct error *error)
{
    return next_extent(overlay_of(file), offset, true, ret_offset, error);
}

int overlay_next_hole(struct file *file, uint64_t offset, uint64_t *ret_offset, struct error *error)
{
    return next_extent(overlay_of(file), offset, false, ret_offset, error);
}
