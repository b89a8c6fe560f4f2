/*
 * Ranges that nobody needs come in ascending order; where they cover a unit without
 * a gap, the unit needn't be stored. A gap is what is used: where zeros are looked for, it is read
 * until something else is found in the unit.
 */
#include "compaction/usage.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "base/progress.h"
#include "ext4/unused.h"

#define UNIT_OF_UNKNOWN 4096    /* of disks without blocks */
#define LOOK_SIZE 4096          /* bytes: a look at a unit tells mostly that it isn't zero */
#define PIECE_SIZE (256 * KIB)  /* bytes: how what follows is read */
#define INTERRUPTION (64 * MIB) /* bytes read between two questions whether to go on */

struct collection {
    struct disk *disk;
    uint64_t unit; /* bytes */
    struct usage *usage;
    const struct disk_watch *watch;
    bool look;                      /* for zeros in gaps */
    uint64_t at;                    /* bytes: what lies before is dealt with */
    uint64_t covered_from;          /* bytes: from here to at, nothing is needed */
    enum disk_unused_kind kind;     /* of the unit that at lies in */
    uint64_t read, asked;           /* bytes */
    uint8_t *piece;                 /* PIECE_SIZE bytes: */
    uint64_t piece_from, piece_end; /* bytes of the disk that are in it */
};

uint32_t usage_unit(const struct disk_description *description)
{
    return description->block_size ? description->block_size : UNIT_OF_UNKNOWN;
}

void usage_free(struct usage *usage)
{
    free(usage->unused);
    *usage = (struct usage){0};
}

static int add_units(struct usage *usage, struct disk_unused next, struct error *error)
{
    struct disk_unused *last = usage->count ? &usage->unused[usage->count - 1] : NULL;
    struct disk_unused *larger;

    if (last && last->offset + last->size == next.offset && last->kind == next.kind) {
        last->size += next.size;
        return 0;
    }
    larger = array_make_room(usage->unused, usage->count, &usage->capacity, sizeof *larger, error);
    if (!larger)
        return -1;
    usage->unused = larger;
    larger[usage->count++] = next;
    return 0;
}

/* A unit with free blocks and zeros in it means nothing, and blank parts stay blank. */
static enum disk_unused_kind join(enum disk_unused_kind a, enum disk_unused_kind b)
{
    return a == b ? a : DISK_UNUSED_BLANK;
}

/* [at, end) is needed by nobody. */
static int cover(struct collection *collection, enum disk_unused_kind kind, uint64_t end,
                 struct error *error)
{
    uint64_t unit = collection->unit, size = collection->disk->size;

    while (collection->at < end) {
        uint64_t start = round_down(collection->at, unit);
        uint64_t whole = end == size ? end : round_down(end, unit);
        uint64_t next = min_u64(end, min_u64(start + unit, size));

        if (collection->at == start) {
            collection->kind = kind;
            collection->covered_from = start;
            if (whole > next)
                next = whole;
        }
        collection->kind = join(collection->kind, kind);
        collection->at = next;
        if (collection->covered_from == start && (next % unit == 0 || next == size) &&
            add_units(collection->usage,
                      (struct disk_unused){collection->kind, start, next - start}, error))
            return -1;
    }
    return 0;
}

/* [at, end) is used, or nobody knows. */
static void pass(struct collection *collection, uint64_t end)
{
    collection->at = end;
    collection->covered_from = end; /* within a unit: it isn't covered any more */
}

/* Reads size bytes at at; where units are small, many of them at once, up to end. */
static int look_at(struct collection *collection, uint64_t size, uint64_t end,
                   const uint8_t **ret_bytes, struct error *error)
{
    const struct disk_watch *watch = collection->watch;
    uint64_t at = collection->at;

    *ret_bytes = collection->piece + (at - collection->piece_from);
    if (at >= collection->piece_from && at + size <= collection->piece_end)
        return 0;
    *ret_bytes = collection->piece;
    if (collection->unit < PIECE_SIZE)
        size = min_u64(PIECE_SIZE, end - at);

    if (collection->read - collection->asked >= INTERRUPTION) {
        collection->asked = collection->read;
        progress_update(watch ? watch->progress : NULL, "reading", collection->at,
                        collection->disk->size);
        if (disk_watch_check(watch, error))
            return -1;
    }
    collection->read += size;
    collection->piece_from = at;
    collection->piece_end = at + size;
    return disk_read(collection->disk, at, collection->piece, (size_t)size, error);
}

/* Looks for zeros in [at, end), which is stored. A unit in which anything else was found is passed
 * over. */
static int look_at_data(struct collection *collection, uint64_t end, struct error *error)
{
    uint64_t unit = collection->unit;

    while (collection->at < end) {
        uint64_t start = round_down(collection->at, unit);
        uint64_t unit_end = min_u64(start + unit, end);
        uint64_t size =
            min_u64(collection->at == start ? LOOK_SIZE : PIECE_SIZE, unit_end - collection->at);
        const uint8_t *bytes;

        if (collection->at != start && collection->covered_from > start) {
            pass(collection, unit_end);
            continue;
        }
        if (look_at(collection, size, end, &bytes, error))
            return -1;
        if (!bytes_are_zero(bytes, (size_t)size))
            pass(collection, unit_end);
        else if (cover(collection, DISK_UNUSED_ZEROS, collection->at + size, error))
            return -1;
    }
    return 0;
}

/* [at, end) isn't unused, by what is known. */
static int look_at_gap(struct collection *collection, uint64_t end, struct error *error)
{
    if (!collection->look && collection->at < end)
        pass(collection, end);
    while (collection->at < end) {
        struct disk_extent extent;
        uint64_t extent_end;

        if (disk_get_extent(collection->disk, collection->at, end, &extent, error))
            return -1;
        extent_end = extent.offset + extent.size;
        if (extent.state == DISK_EXTENT_DATA
                ? look_at_data(collection, extent_end, error)
                : cover(collection, DISK_UNUSED_ZEROS, extent_end, error))
            return -1;
    }
    return 0;
}

static int visit(enum disk_unused_kind kind, uint64_t offset, uint64_t size, void *context,
                 struct error *error)
{
    struct collection *collection = context;

    return look_at_gap(collection, offset, error) || cover(collection, kind, offset + size, error)
               ? -1
               : 0;
}

static int count_unknown(struct disk *disk, uint64_t offset, uint64_t *ret_bytes,
                         struct error *error)
{
    struct disk_extent extent;

    for (*ret_bytes = 0; offset < disk->size; offset += extent.size) {
        if (disk_get_extent(disk, offset, disk->size, &extent, error))
            return -1;
        if (extent.state == DISK_EXTENT_DATA)
            *ret_bytes += extent.size;
    }
    return 0;
}

static int collect(struct collection *collection, struct ext4 *ext4, enum usage_zeros zeros,
                   struct error *error)
{
    struct disk *disk = collection->disk;
    uint64_t end = 0;

    if (ext4) {
        end = min_u64(ext4->geometry.blocks * ext4->geometry.block_size, disk->size);
        collection->look = zeros == USAGE_ZEROS_ALL;
        if (ext4_unused_each(ext4, visit, collection, error) || look_at_gap(collection, end, error))
            return -1;
    }
    collection->look = zeros != USAGE_NO_ZEROS;
    return look_at_gap(collection, disk->size, error) ||
                   (!collection->look &&
                    count_unknown(disk, end, &collection->usage->unknown, error))
               ? -1
               : 0;
}

int usage_collect(struct disk *disk, struct ext4 *ext4, uint32_t unit, enum usage_zeros zeros,
                  const struct disk_watch *watch, struct usage *ret_usage, struct error *error)
{
    CLEANUP(usage_free) struct usage usage = {0};
    CLEANUP_FREE uint8_t *piece = malloc(PIECE_SIZE);
    struct collection collection = {
        .disk = disk, .unit = unit, .usage = &usage, .watch = watch, .piece = piece};

    if (!piece)
        return error_set_no_memory(error);
    if (collect(&collection, ext4, zeros, error))
        return -1;
    *ret_usage = usage;
    usage = (struct usage){0};
    return 0;
}

static int compare_unused(const void *a, const void *b)
{
    const struct disk_unused *first = a, *second = b;

    return first->offset < second->offset ? -1 : first->offset > second->offset;
}

int usage_add_zones(struct usage *usage, const struct resize_zones *zones, uint32_t block_size,
                    struct error *error)
{
    for (size_t i = 0; i < zones->count; i++)
        if (add_units(usage,
                      (struct disk_unused){DISK_UNUSED_FREE, zones->runs[i].start * block_size,
                                           zones->runs[i].count * block_size},
                      error))
            return -1;
    if (usage->count > 0)
        qsort(usage->unused, usage->count, sizeof *usage->unused, compare_unused);
    return 0;
}
