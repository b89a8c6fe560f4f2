#include "resize/pack-units.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/journal-unused.h"
#include "ext4/unused.h"
#include "resize/fixed.h"

/* Trees of indirect blocks reach no further. */
#define FAR_BLOCK (UINT64_C(1) << 32)

void resize_units_free(struct resize_units *units)
{
    free(units->list);
    *units = (struct resize_units){0};
}

struct ext4_run resize_unit_run(const struct resize_units *units, const struct resize_unit *unit)
{
    uint64_t start = unit->index * units->blocks;

    return (struct ext4_run){start, min_u64(units->blocks, units->ext4->geometry.blocks - start)};
}

static int add_unit(struct resize_units *units, uint64_t index, uint64_t place, struct error *error)
{
    struct resize_unit *larger =
        array_make_room(units->list, units->count, &units->capacity, sizeof *larger, error);
    struct resize_unit unit = {.index = index, .place = place};
    struct ext4_run run = resize_unit_run(units, &unit);
    uint64_t size = units->ext4->geometry.blocks * units->ext4->geometry.block_size;

    if (!larger)
        return -1;
    unit.used = (uint32_t)run.count;
    /* What the disk has behind the filesystem isn't the filesystem's. */
    unit.is_fixed = run.count < units->blocks && units->ext4->io.disk->size > size;
    units->list = larger;
    larger[units->count++] = unit;
    return 0;
}

static int list_stored(struct resize_units *units, struct error *error)
{
    const struct ext4_geometry *geometry = &units->ext4->geometry;
    struct disk *disk = units->ext4->io.disk;
    uint64_t end = min_u64(disk->size, geometry->blocks * geometry->block_size);
    uint64_t unit_size = units->blocks * geometry->block_size, next = 0;
    struct disk_extent extent;

    for (uint64_t offset = 0; offset < end; offset += extent.size) {
        if (disk_get_extent(disk, offset, end, &extent, error))
            return -1;
        if (extent.state != DISK_EXTENT_DATA)
            continue;
        for (next = max_u64(next, offset / unit_size); next * unit_size < offset + extent.size;
             next++)
            if (add_unit(units, next, extent.place + (max_u64(next * unit_size, offset) - offset),
                         error))
                return -1;
    }
    return 0;
}

/* The first stored unit that ends behind block. */
static size_t find_unit(const struct resize_units *units, uint64_t block)
{
    size_t low = 0, high = units->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if ((units->list[middle].index + 1) * units->blocks > block)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Calls each for the parts of a run that lie in stored units. */
typedef int each_part(struct resize_unit *unit, struct ext4_run part, void *context,
                      struct error *error);

static int for_parts(const struct resize_units *units, struct ext4_run run, each_part *each,
                     void *context, struct error *error)
{
    uint64_t end = run.start + run.count;

    for (size_t i = find_unit(units, run.start); i < units->count; i++) {
        struct ext4_run part = resize_unit_run(units, &units->list[i]);
        uint64_t part_end = min_u64(part.start + part.count, end);

        if (part.start >= end)
            return 0;
        part.start = max_u64(part.start, run.start);
        part.count = part_end - part.start;
        if (each(&units->list[i], part, context, error))
            return -1;
    }
    return 0;
}

struct counting {
    struct resize_units *units;
    struct resize_zones blank;
};

static void cleanup_counting(struct counting *counting)
{
    resize_zones_free(&counting->blank);
}

static int take_off(struct resize_unit *unit, struct ext4_run part, void *context,
                    struct error *error)
{
    (void)context;
    (void)error;
    unit->used -= (uint32_t)part.count;
    return 0;
}

static int count_unused(enum disk_unused_kind kind, uint64_t offset, uint64_t size, void *context,
                        struct error *error)
{
    struct counting *counting = context;
    uint32_t block_size = counting->units->ext4->geometry.block_size;
    struct ext4_run run = {offset / block_size, size / block_size};

    if (kind == DISK_UNUSED_BLANK && resize_zones_add(&counting->blank, run, error))
        return -1;
    return for_parts(counting->units, run, take_off, NULL, error);
}

/* What is marked as bad is bad where it is. */
static int add_bad_blocks(struct ext4 *ext4, struct resize_zones *fixed, struct error *error)
{
    CLEANUP(ext4_block_map_free) struct ext4_block_map map = {0};

    if (ext4_block_map_of(ext4, EXT2_BAD_INO, &map, error))
        return -1;
    for (size_t i = 0; i < map.count; i++)
        if (resize_zones_add(fixed, (struct ext4_run){map.mappings[i].start, map.mappings[i].count},
                             error))
            return -1;
    for (size_t i = 0; i < map.node_count; i++)
        if (resize_zones_add(fixed, (struct ext4_run){map.nodes[i], 1}, error))
            return -1;
    return 0;
}

/* The resize inode's other blocks are heads. This one could move, within its 32 bits. */
static int add_resize_inode(struct ext4 *ext4, struct resize_zones *fixed, struct error *error)
{
    struct ext2_inode inode;
    errcode_t code;

    if (!ext4->geometry.has_resize_inode)
        return 0;
    code = ext2fs_read_inode(ext4->fs, EXT2_RESIZE_INO, &inode);
    if (code)
        return ext4_set_error(error, &ext4->io, code, "cannot read the resize inode");
    return resize_zones_add(fixed, (struct ext4_run){inode.i_block[EXT2_DIND_BLOCK], 1}, error);
}

static int mark_fixed(struct resize_unit *unit, struct ext4_run part, void *context,
                      struct error *error)
{
    (void)part;
    (void)context;
    (void)error;
    unit->is_fixed = true;
    return 0;
}

/* A unit with a fixed block that isn't blank stays. */
static int find_fixed(struct resize_units *units, const struct resize_zones *blank,
                      struct error *error)
{
    CLEANUP(resize_zones_free) struct resize_zones fixed = {0};
    CLEANUP(resize_zones_free) struct resize_zones in_use = {0};
    struct ext4 *ext4 = units->ext4;

    if (resize_fixed_collect(&ext4->geometry, ext4->fs, NULL, &fixed, error) ||
        add_bad_blocks(ext4, &fixed, error) || add_resize_inode(ext4, &fixed, error))
        return -1;
    resize_zones_sort(&fixed, &ext4->geometry);
    if (resize_fixed_difference(&fixed, blank, UINT64_MAX, &in_use, error))
        return -1;
    for (size_t i = 0; i < in_use.count; i++)
        if (for_parts(units, in_use.runs[i], mark_fixed, NULL, error))
            return -1;
    return 0;
}

static int add_room(struct ext4_run run, void *context, struct error *error)
{
    struct resize_units *units = context;

    (void)error;
    while (run.count > 0) {
        struct resize_unit *unit = &units->list[find_unit(units, run.start)];
        struct ext4_run whole = resize_unit_run(units, unit);
        uint64_t count = min_u64(run.count, whole.start + whole.count - run.start);

        unit->room += (uint32_t)count;
        run.start += count;
        run.count -= count;
    }
    return 0;
}

static int keep_in_use(struct resize_unit *unit, struct ext4_run part, void *context,
                       struct error *error)
{
    (void)part;
    (void)context;
    (void)error;
    unit->is_fixed = unit->is_fixed || unit->used > 0;
    return 0;
}

/* An empty journal isn't worth moving: what it shares a unit with stays. */
static int keep_journal(struct ext4_run run, void *context, struct error *error)
{
    return for_parts(context, run, keep_in_use, NULL, error);
}

int resize_units_list(struct ext4 *ext4, uint64_t unit_size, struct resize_units *ret_units,
                      struct error *error)
{
    const struct ext4_geometry *geometry = &ext4->geometry;
    CLEANUP(cleanup_counting) struct counting counting = {.units = ret_units};

    *ret_units = (struct resize_units){.ext4 = ext4, .blocks = unit_size / geometry->block_size};
    return list_stored(ret_units, error) ||
                   ext4_unused_each(ext4, count_unused, &counting, error) ||
                   find_fixed(ret_units, &counting.blank, error) ||
                   ext4_journal_unused_each(ext4, keep_journal, ret_units, error) ||
                   resize_units_room(ret_units, add_room, ret_units, error)
               ? -1
               : 0;
}

struct room {
    const struct resize_units *units;
    struct ext4_run pending; /* found, and yet to be visited: the next may continue it */
    ext4_free_run_visit *visit;
    void *context;
};

static bool is_stored(const struct resize_units *units, uint64_t block)
{
    size_t i = find_unit(units, block);

    return i < units->count && units->list[i].index == block / units->blocks;
}

static int visit_pending(struct room *room, struct error *error)
{
    return room->pending.count > 0 ? room->visit(room->pending, room->context, error) : 0;
}

/* Free blocks of one group, whose bitmap is written when they are taken. */
static int take_group(struct room *room, uint32_t group, struct ext4_run run, struct error *error)
{
    if (!is_stored(room->units, ext2fs_block_bitmap_loc(room->units->ext4->fs, group)))
        return 0;
    if (room->pending.count > 0 && room->pending.start + room->pending.count == run.start) {
        room->pending.count += run.count;
        return 0;
    }
    if (visit_pending(room, error))
        return -1;
    room->pending = run;
    return 0;
}

static int take_part(struct resize_unit *unit, struct ext4_run part, void *context,
                     struct error *error)
{
    struct room *room = context;
    const struct ext4_geometry *geometry = &room->units->ext4->geometry;

    while (!unit->is_emptied && part.count > 0) {
        uint32_t group = ext4_group_of(geometry, part.start);
        uint64_t group_end = ext4_group_start(geometry, group) + ext4_group_blocks(geometry, group);
        struct ext4_run run = {part.start, min_u64(part.count, group_end - part.start)};

        if (take_group(room, group, run, error))
            return -1;
        part.start += run.count;
        part.count -= run.count;
    }
    return 0;
}

static int take_run(struct ext4_run run, void *context, struct error *error)
{
    struct room *room = context;

    return for_parts(room->units, run, take_part, room, error);
}

int resize_units_room(const struct resize_units *units, ext4_free_run_visit *visit, void *context,
                      struct error *error)
{
    const struct ext4_geometry *geometry = &units->ext4->geometry;
    struct room room = {.units = units, .visit = visit, .context = context};

    if (ext4_free_runs_each(units->ext4, geometry->first_block,
                            min_u64(geometry->blocks, FAR_BLOCK), take_run, &room, error))
        return -1;
    return visit_pending(&room, error);
}
