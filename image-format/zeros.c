#include "image-format/zeros.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "base/progress.h"
#include "image-format/disk.h"

#define PIECE_SIZE (1 * MIB)

static int look_on(const struct disk_watch *watch, uint64_t done, uint64_t total,
                   struct error *error)
{
    progress_update(watch ? watch->progress : NULL, "looking for data", done, total);
    return disk_watch_check(watch, error);
}

/* Where it is in a piece that holds some. */
static size_t first_nonzero(const uint8_t *piece)
{
    size_t i = 0;

    while (piece[i] == 0)
        i++;
    return i;
}

int disk_find_nonzero(struct disk *disk, uint64_t offset, const struct disk_watch *watch,
                      uint64_t *ret_offset, struct error *error)
{
    CLEANUP_FREE uint8_t *piece = malloc(PIECE_SIZE);
    struct disk_extent extent;
    uint64_t start = offset;

    if (!piece)
        return error_set_no_memory(error);
    for (; offset < disk->size; offset += extent.size) {
        if (look_on(watch, offset - start, disk->size - start, error) ||
            disk_get_extent(disk, offset, disk->size, &extent, error))
            return -1;
        if (extent.state != DISK_EXTENT_DATA)
            continue;
        extent.size = min_u64(extent.size, PIECE_SIZE);
        if (disk_read(disk, offset, piece, (size_t)extent.size, error))
            return -1;
        if (!bytes_are_zero(piece, (size_t)extent.size)) {
            *ret_offset = offset + first_nonzero(piece);
            return 0;
        }
    }
    *ret_offset = disk->size;
    return 0;
}
