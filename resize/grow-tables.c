#include "resize/grow-tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/checked.h"
#include "ext4/bitmaps.h"

static uint64_t head_end(const struct ext4_geometry *geometry, uint32_t group)
{
    struct ext4_run head = ext4_group_head(geometry, group);

    return head.start + head.count;
}

/* The first place at or after start for count blocks that meet no group's head. */
static uint64_t find_place(const struct ext4_geometry *geometry, uint64_t start, uint64_t count)
{
    uint32_t group = ext4_group_of(geometry, start);
    uint64_t place = max_u64(start, head_end(geometry, group));

    while (group + 1 < geometry->groups && place + count > ext4_group_start(geometry, group + 1)) {
        group++;
        if (ext4_group_head(geometry, group).count > 0)
            place = head_end(geometry, group);
    }
    return place;
}

static struct resize_tables *tables_of(const struct resize_plan *plan, uint32_t group)
{
    return &plan->tables[group - plan->old.groups];
}

/* Puts the tables of groups [first, last] in a row; false when they don't fit before last's end. */
static bool place_in_a_row(struct resize_plan *plan, uint32_t first, uint32_t last)
{
    const struct ext4_geometry *geometry = &plan->new;
    uint64_t limit = ext4_group_start(geometry, last) + ext4_group_blocks(geometry, last);
    uint64_t place = ext4_group_start(geometry, first);

    for (uint32_t group = first; group <= last; group++) {
        place = find_place(geometry, place, 1);
        tables_of(plan, group)->block_bitmap = place++;
    }
    for (uint32_t group = first; group <= last; group++) {
        place = find_place(geometry, place, 1);
        tables_of(plan, group)->inode_bitmap = place++;
    }
    for (uint32_t group = first; group <= last; group++) {
        place = find_place(geometry, place, geometry->inode_table_blocks);
        tables_of(plan, group)->inode_table = place;
        place += geometry->inode_table_blocks;
        if (place > limit)
            return false;
    }
    return true;
}

/* Groups that belong together get their tables in a row where there is room, else each its own. */
static int place_flex_group(struct resize_plan *plan, uint32_t first, uint32_t last,
                            struct error *error)
{
    if (place_in_a_row(plan, first, last))
        return 0;
    for (uint32_t group = first; group <= last; group++)
        if (!place_in_a_row(plan, group, group))
            return error_set(error, ERROR_UNSUPPORTED,
                             "group %u has no room for its own tables behind the descriptors",
                             group);
    return 0;
}

static int add_run(struct resize_plan *plan, uint64_t start, uint64_t count, struct error *error)
{
    struct ext4_run *last =
        plan->table_run_count ? &plan->table_runs[plan->table_run_count - 1] : NULL;
    struct ext4_run *larger;

    if (last && last->start + last->count == start) {
        last->count += count;
        return 0;
    }
    larger = array_make_room(plan->table_runs, plan->table_run_count, &plan->table_run_capacity,
                             sizeof *larger, error);
    if (!larger)
        return -1;
    plan->table_runs = larger;
    plan->table_runs[plan->table_run_count++] = (struct ext4_run){start, count};
    return 0;
}

static void merge_runs(struct resize_plan *plan)
{
    size_t kept = 0;

    qsort(plan->table_runs, plan->table_run_count, sizeof *plan->table_runs, ext4_run_compare);
    for (size_t i = 1; i < plan->table_run_count; i++) {
        struct ext4_run *last = &plan->table_runs[kept];

        if (last->start + last->count == plan->table_runs[i].start)
            last->count += plan->table_runs[i].count;
        else
            plan->table_runs[++kept] = plan->table_runs[i];
    }
    plan->table_run_count = kept + 1;
}

/* One kind of table after the other, so that neighbours meet and few runs are kept. */
static int collect_runs(struct resize_plan *plan, struct error *error)
{
    uint32_t count = plan->new.groups - plan->old.groups;

    for (uint32_t i = 0; i < count; i++)
        if (add_run(plan, plan->tables[i].block_bitmap, 1, error))
            return -1;
    for (uint32_t i = 0; i < count; i++)
        if (add_run(plan, plan->tables[i].inode_bitmap, 1, error))
            return -1;
    for (uint32_t i = 0; i < count; i++)
        if (add_run(plan, plan->tables[i].inode_table, plan->new.inode_table_blocks, error))
            return -1;
    merge_runs(plan);
    return 0;
}

/* The first run that ends behind block. */
static size_t find_run(const struct resize_plan *plan, uint64_t block)
{
    size_t low = 0, high = plan->table_run_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct ext4_run *run = &plan->table_runs[middle];

        if (run->start + run->count > block)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Blocks of [start, start + count) in the group. */
static uint64_t blocks_in_group(const struct ext4_geometry *geometry, uint32_t group,
                                uint64_t start, uint64_t count)
{
    uint64_t group_start = ext4_group_start(geometry, group);
    uint64_t low = max_u64(start, group_start);
    uint64_t high = min_u64(start + count, group_start + ext4_group_blocks(geometry, group));

    return low < high ? high - low : 0;
}

/* A group's bitmap may be implied when no other group's table lies in it (kernel:
 * ext4_init_block_bitmap); the last group's is always there, as mke2fs has it. */
static bool may_be_uninitialised(const struct resize_plan *plan, uint32_t group)
{
    const struct ext4_geometry *geometry = &plan->new;
    const struct resize_tables *own = tables_of(plan, group);
    uint64_t end = ext4_group_start(geometry, group) + ext4_group_blocks(geometry, group);
    uint64_t all = 0, mine;

    if (!geometry->has_group_checksums || group == geometry->groups - 1)
        return false;
    for (size_t i = find_run(plan, ext4_group_start(geometry, group));
         i < plan->table_run_count && plan->table_runs[i].start < end; i++)
        all +=
            blocks_in_group(geometry, group, plan->table_runs[i].start, plan->table_runs[i].count);
    mine = blocks_in_group(geometry, group, own->block_bitmap, 1) +
           blocks_in_group(geometry, group, own->inode_bitmap, 1) +
           blocks_in_group(geometry, group, own->inode_table, geometry->inode_table_blocks);
    return all == mine;
}

int resize_place_tables(struct resize_plan *plan, struct error *error)
{
    uint32_t count = plan->new.groups - plan->old.groups;
    uint32_t flex_groups = plan->new.flex_groups;

    if (plan->new.groups <= plan->old.groups)
        return 0;
    plan->tables = calloc(count, sizeof *plan->tables);
    plan->uninitialised = calloc(count, sizeof *plan->uninitialised);
    if (!plan->tables || !plan->uninitialised)
        return error_set_no_memory(error);
    for (uint32_t first = plan->old.groups; first < plan->new.groups;) {
        uint64_t end = min_u64(round_down(first, flex_groups) + flex_groups, plan->new.groups);

        if (place_flex_group(plan, first, (uint32_t)end - 1, error))
            return -1;
        first = (uint32_t)end;
    }
    if (collect_runs(plan, error))
        return -1;
    for (uint32_t i = 0; i < count; i++)
        plan->uninitialised[i] = may_be_uninitialised(plan, plan->old.groups + i);
    return 0;
}

void resize_make_bitmap(const struct resize_plan *plan, uint32_t group, uint8_t *bitmap)
{
    const struct ext4_geometry *geometry = &plan->new;
    uint64_t end = ext4_group_start(geometry, group) + ext4_group_blocks(geometry, group);

    memset(bitmap, 0, geometry->block_size);
    ext4_bitmap_mark(geometry, group, bitmap, ext4_group_head(geometry, group), true);
    for (size_t i = find_run(plan, ext4_group_start(geometry, group));
         i < plan->table_run_count && plan->table_runs[i].start < end; i++)
        ext4_bitmap_mark(geometry, group, bitmap, plan->table_runs[i], true);
    ext4_bitmap_set_padding(geometry, group, bitmap);
}
