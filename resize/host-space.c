/*
 * Where a plan writes, and whether the host has room for it.
 */
#include <stdlib.h>

#include "base/array.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "ext4/inode-table.h"
#include "resize/host-space.h"

struct ranges {
    const struct resize_plan *plan;
    struct disk *disk;
    struct disk_range *list;
    size_t count, capacity;
};

static void cleanup_ranges(struct ranges *ranges)
{
    free(ranges->list);
}

static int add_range(struct ranges *ranges, struct disk_range range, struct error *error)
{
    struct disk_range *last = ranges->count ? &ranges->list[ranges->count - 1] : NULL;
    struct disk_range *larger;

    if (last && last->offset + last->size == range.offset &&
        last->unreferenced == range.unreferenced) {
        last->size += range.size;
        return 0;
    }
    larger = array_make_room(ranges->list, ranges->count, &ranges->capacity, sizeof *larger, error);
    if (!larger)
        return -1;
    ranges->list = larger;
    larger[ranges->count++] = range;
    return 0;
}

static int add_blocks(struct ranges *ranges, uint64_t start, uint64_t count, struct error *error)
{
    uint64_t block_size = ranges->plan->old.block_size;

    return count == 0 ? 0
                      : add_range(ranges,
                                  (struct disk_range){.offset = start * block_size,
                                                      .size = count * block_size},
                                  error);
}

/* Bytes in which the filesystem has nothing yet: where the disk stores them, they cost nothing. */
static int add_free_bytes(struct ranges *ranges, uint64_t offset, uint64_t size,
                          struct error *error)
{
    uint64_t end = min_u64(offset + size, ranges->disk->size);

    while (offset < end) {
        struct disk_extent extent;

        if (disk_get_extent(ranges->disk, offset, end, &extent, error))
            return -1;
        if (extent.state != DISK_EXTENT_DATA &&
            add_range(
                ranges,
                (struct disk_range){.offset = offset, .size = extent.size, .unreferenced = true},
                error))
            return -1;
        offset += extent.size;
    }
    return 0;
}

/* What is copied: holes stay holes, and cost nothing either. */
static int add_copied(struct ranges *ranges, const struct resize_move *move, struct error *error)
{
    uint64_t block_size = ranges->plan->old.block_size;
    uint64_t offset = move->from * block_size, end = offset + move->count * block_size;
    uint64_t distance = (move->to - move->from) * block_size;

    while (offset < end) {
        struct disk_extent extent;

        if (disk_get_extent(ranges->disk, offset, end, &extent, error))
            return -1;
        if (extent.state == DISK_EXTENT_DATA &&
            add_free_bytes(ranges, offset + distance, extent.size, error))
            return -1;
        offset += extent.size;
    }
    return 0;
}

static bool is_late(const struct ranges *ranges, uint64_t start, uint64_t count)
{
    struct ext4_run part;

    return resize_zones_meet(&ranges->plan->late, (struct ext4_run){start, count}, &part);
}

static int add_move(struct ranges *ranges, const struct resize_move *move, struct error *error)
{
    return is_late(ranges, move->to, move->count) ? add_blocks(ranges, move->to, move->count, error)
                                                  : add_copied(ranges, move, error);
}

/* A node of a tree that gets larger. */
static int add_node(struct ranges *ranges, uint64_t block, struct error *error)
{
    uint64_t block_size = ranges->plan->old.block_size;

    return is_late(ranges, block, 1)
               ? add_blocks(ranges, block, 1, error)
               : add_free_bytes(ranges, block * block_size, block_size, error);
}

static int add_tables(struct ranges *ranges, const struct resize_table_moves *moves,
                      struct error *error)
{
    for (size_t i = 0; i < moves->count; i++) {
        const struct resize_tables *to = &moves->list[i].to;

        if (add_blocks(ranges, to->block_bitmap, 1, error) ||
            add_blocks(ranges, to->inode_bitmap, 1, error) ||
            add_blocks(ranges, to->inode_table, ranges->plan->old.inode_table_blocks, error))
            return -1;
    }
    return 0;
}

/* The block of the inode table that holds an inode. */
static int add_inode(struct ranges *ranges, ext2_filsys fs, uint32_t number, struct error *error)
{
    const struct ext4_geometry *geometry = &ranges->plan->old;
    uint32_t group = (number - 1) / geometry->group_inodes;
    uint64_t offset =
        (uint64_t)((number - 1) % geometry->group_inodes) * EXT2_INODE_SIZE(fs->super);

    return add_blocks(ranges, ext2fs_inode_table_loc(fs, group) + offset / geometry->block_size, 1,
                      error);
}

/* Trees are written anew also where their nodes stay. */
static int add_kept_nodes(struct ranges *ranges, struct ext4 *ext4, struct error *error)
{
    const struct resize_relocation *relocation = &ranges->plan->relocation;
    CLEANUP_FREE struct ext2_inode_large *inode = malloc(EXT4_INODE_BYTES(ext4));
    CLEANUP(ext4_block_map_free) struct ext4_block_map map = {0};

    if (!inode)
        return error_set_no_memory(error);
    for (size_t i = 0; i < relocation->inode_count; i++) {
        if (resize_relocation_read(relocation, ext4, relocation->inodes[i].number, inode, &map,
                                   error))
            return -1;
        for (size_t node = 0; node < map.node_count; node++)
            if (!resize_relocation_drops(relocation, map.nodes[node]) &&
                add_blocks(ranges, map.nodes[node], 1, error))
                return -1;
    }
    return 0;
}

static void mark_groups(const struct ext4_geometry *geometry, uint64_t start, uint64_t count,
                        bool *groups)
{
    uint32_t last = ext4_group_of(geometry, start + count - 1);

    for (uint32_t group = ext4_group_of(geometry, start); group <= last; group++)
        groups[group] = true;
}

/* What sums up that blocks are in use, or no longer: bitmaps, descriptors, the superblock. */
static int add_groups(struct ranges *ranges, struct ext4 *ext4, struct error *error)
{
    const struct ext4_geometry *geometry = &ranges->plan->old;
    const struct resize_relocation *relocation = &ranges->plan->relocation;
    CLEANUP_FREE bool *groups = calloc(geometry->groups, sizeof *groups);

    if (!groups)
        return error_set_no_memory(error);
    for (size_t i = 0; i < relocation->move_count; i++) {
        const struct resize_move *move = &relocation->moves[i];

        mark_groups(geometry, move->from, move->count, groups);
        mark_groups(geometry, move->to, move->count, groups);
    }
    for (size_t i = 0; i < relocation->node_count; i++)
        mark_groups(geometry, relocation->nodes[i], 1, groups);
    for (size_t i = 0; i < relocation->dropped_count; i++)
        mark_groups(geometry, relocation->dropped[i], 1, groups);
    for (uint32_t group = 0; group < geometry->groups; group++)
        if (groups[group] &&
            (add_blocks(ranges, ext2fs_block_bitmap_loc(ext4->fs, group), 1, error) ||
             add_blocks(ranges, ext4_descriptor_block(geometry, group / geometry->descriptors), 1,
                        error)))
            return -1;
    return relocation->move_count > 0 || relocation->inode_count > 0
               ? add_blocks(ranges, SUPERBLOCK_OFFSET / geometry->block_size, 1, error)
               : 0;
}

static int add_moves(struct ranges *ranges, ext2_filsys fs, struct error *error)
{
    const struct resize_relocation *relocation = &ranges->plan->relocation;

    for (size_t i = 0; i < relocation->move_count; i++)
        if (add_move(ranges, &relocation->moves[i], error))
            return -1;
    for (size_t i = 0; i < relocation->node_count; i++)
        if (add_node(ranges, relocation->nodes[i], error))
            return -1;
    for (size_t i = 0; i < relocation->inode_count; i++)
        if (add_inode(ranges, fs, relocation->inodes[i].number, error))
            return -1;
    for (size_t i = 0; i < relocation->xattr_inodes.count; i++)
        if (add_inode(ranges, fs, relocation->xattr_inodes.list[i], error))
            return -1;
    for (size_t i = 0; i < ranges->plan->renumbered.count; i++)
        if (add_blocks(ranges, ranges->plan->renumbered.runs[i].start,
                       ranges->plan->renumbered.runs[i].count, error))
            return -1;
    return 0;
}

static int add_steps(struct ranges *ranges, const struct resize_steps *steps, struct error *error)
{
    for (size_t i = 0; i < steps->count; i++)
        if (steps->list[i].kind != RESIZE_ZERO &&
            add_blocks(ranges, steps->list[i].place, steps->list[i].count, error))
            return -1;
    return 0;
}

static int compare_ranges(const void *a, const void *b)
{
    const struct disk_range *first = a, *second = b;

    return first->offset < second->offset ? -1 : first->offset > second->offset;
}

static int collect_ranges(struct ranges *ranges, struct ext4 *ext4, struct error *error)
{
    const struct resize_plan *plan = ranges->plan;

    if (add_moves(ranges, ext4->fs, error) || add_kept_nodes(ranges, ext4, error) ||
        add_groups(ranges, ext4, error) || add_tables(ranges, &plan->vacated, error) ||
        add_tables(ranges, &plan->table_moves, error) || add_steps(ranges, &plan->steps, error) ||
        add_steps(ranges, &plan->copies, error))
        return -1;
    for (int i = 0; i < RESIZE_INODE_PLACES && plan->resize_inode_places[i] != 0; i++)
        if (add_blocks(ranges, plan->resize_inode_places[i], 1, error))
            return -1;
    if (ranges->count > 0)
        qsort(ranges->list, ranges->count, sizeof *ranges->list, compare_ranges);
    return 0;
}

int resize_check_host_space(struct disk *disk, struct ext4 *ext4, const struct resize_plan *plan,
                            uint64_t disk_size, uint64_t free_space, uint64_t *ret_cost,
                            struct error *error)
{
    CLEANUP(cleanup_ranges) struct ranges ranges = {.plan = plan, .disk = disk};
    char need_text[SIZE_TEXT_SIZE], free_text[SIZE_TEXT_SIZE];

    if ((ext4 && collect_ranges(&ranges, ext4, error)) ||
        disk_growth_cost(disk, disk_size, ranges.list, ranges.count, ret_cost, error))
        return -1;
    if (*ret_cost <= free_space)
        return 0;
    size_format(*ret_cost, need_text);
    size_format(free_space, free_text);
    error_set(error, ERROR_REFUSED,
              "the host has %s free where the image lies (%s expected: the file may grow by that)",
              free_text, need_text);
    if (plan->new.blocks > plan->old.blocks || disk_size > disk->size)
        return error_set_remedy(error, "free that much there, or give a smaller size");
    return error_set_remedy(error, "free that much there");
}
