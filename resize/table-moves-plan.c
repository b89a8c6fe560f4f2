/*
 * New places for tables: those of groups that stay and are in the way, and
 * those of groups that go, whose places others need.
 */
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/free-runs.h"
#include "resize/fixed.h"
#include "resize/make-room.h"

struct tables_plan {
    struct ext4 *ext4;
    struct resize_plan *plan;
    const struct resize_zones *zones;
    struct resize_pool *early;
    struct resize_zones *windows; /* in the order in which they were wanted */
    size_t windows_used;
};

static bool is_in_zone(const struct tables_plan *tables_plan, uint64_t start, uint64_t count)
{
    struct ext4_run part;

    return resize_zones_meet(tables_plan->zones, (struct ext4_run){start, count}, &part);
}

/* The lowest run of count blocks that no head, no table and no window has. */
static int find_window(struct tables_plan *tables_plan, uint64_t count, struct ext4_run *ret_window,
                       struct error *error)
{
    CLEANUP(resize_zones_free) struct resize_zones taken = {0};
    const struct ext4_geometry *new = &tables_plan->plan->new;
    struct ext4_run window = {round_up(new->first_block, new->cluster_blocks), count}, part;

    for (size_t i = 0; i < tables_plan->windows->count; i++)
        if (resize_zones_add(&taken, tables_plan->windows->runs[i], error))
            return -1;
    if (resize_fixed_collect(new, tables_plan->ext4->fs, &tables_plan->plan->table_moves, &taken,
                             error))
        return -1;
    while (resize_zones_meet(&taken, window, &part))
        window.start = round_up(part.start + part.count, new->cluster_blocks);
    if (window.start + count > min_u64(new->blocks, tables_plan->plan->old.blocks))
        return error_set(error, ERROR_NO_SPACE,
                         "there is no room for the table of a group (%llu blocks in a row)",
                         (unsigned long long)count);
    *ret_window = window;
    return 0;
}

/* A free place, else one in a window; a new window where none is left. */
static int place_one(struct tables_plan *tables_plan, uint64_t count, uint64_t *ret_place,
                     bool *ret_again, struct error *error)
{
    uint64_t rounded = round_up(count, tables_plan->plan->old.cluster_blocks);
    struct resize_zones *windows = tables_plan->windows;
    struct ext4_run run;

    if (resize_pool_take_whole(tables_plan->early, rounded, &run, error))
        return -1;
    while (run.count == 0 && tables_plan->windows_used < windows->count)
        if (windows->runs[tables_plan->windows_used++].count >= rounded)
            run = windows->runs[tables_plan->windows_used - 1];
    *ret_place = run.start;
    if (run.count > 0)
        return 0;
    *ret_again = true;
    return find_window(tables_plan, rounded, &run, error) || resize_zones_add(windows, run, error)
               ? -1
               : 0;
}

/* With flex_bg a table may lie anywhere. */
static int move_anywhere(struct tables_plan *tables_plan, uint32_t group, bool *ret_again,
                         struct error *error)
{
    struct resize_table_move move = {group, resize_tables_of(tables_plan->ext4->fs, NULL, group)};
    uint32_t table_blocks = tables_plan->plan->old.inode_table_blocks;

    if (is_in_zone(tables_plan, move.to.inode_table, table_blocks) &&
        place_one(tables_plan, table_blocks, &move.to.inode_table, ret_again, error))
        return -1;
    if (!*ret_again && is_in_zone(tables_plan, move.to.block_bitmap, 1) &&
        place_one(tables_plan, 1, &move.to.block_bitmap, ret_again, error))
        return -1;
    if (!*ret_again && is_in_zone(tables_plan, move.to.inode_bitmap, 1) &&
        place_one(tables_plan, 1, &move.to.inode_bitmap, ret_again, error))
        return -1;
    return resize_add_table_move(&tables_plan->plan->table_moves, move, error);
}

/* Without flex_bg all three lie in the group: in a row behind its head, which is made free. */
static int move_within_group(struct tables_plan *tables_plan, uint32_t group, bool *ret_again,
                             struct error *error)
{
    const struct ext4_geometry *new = &tables_plan->plan->new;
    struct ext4_run head = ext4_group_head(new, group);
    uint64_t place = head.start + head.count;
    struct ext4_run row = {place, 2 + (uint64_t) new->inode_table_blocks};
    struct resize_table_move move = {group, {place, place + 1, place + 2}};
    struct resize_zones *windows = tables_plan->windows;

    if (row.start + row.count > ext4_group_start(new, group) + ext4_group_blocks(new, group))
        return error_set(error, ERROR_NO_SPACE,
                         "group %u has no room for its own tables behind the descriptors", group);
    if (tables_plan->windows_used == windows->count) {
        *ret_again = true;
        if (resize_zones_add(windows, row, error))
            return -1;
    }
    tables_plan->windows_used++;
    return resize_add_table_move(&tables_plan->plan->table_moves, move, error);
}

static bool has_table_in_zone(const struct tables_plan *tables_plan, uint32_t group)
{
    struct resize_tables tables = resize_tables_of(tables_plan->ext4->fs, NULL, group);

    return is_in_zone(tables_plan, tables.block_bitmap, 1) ||
           is_in_zone(tables_plan, tables.inode_bitmap, 1) ||
           is_in_zone(tables_plan, tables.inode_table, tables_plan->plan->old.inode_table_blocks);
}

int resize_plan_table_moves(struct ext4 *ext4, struct resize_plan *plan,
                            const struct resize_zones *zones, struct resize_pool *early,
                            struct resize_zones *windows, bool *ret_again, struct error *error)
{
    struct tables_plan tables_plan = {ext4, plan, zones, early, windows, 0};
    bool flexible = ext2fs_has_feature_flex_bg(ext4->fs->super);
    uint32_t groups = (uint32_t)min_u64(plan->old.groups, plan->new.groups);

    *ret_again = false;
    for (uint32_t group = 0; group < groups; group++) {
        if (!has_table_in_zone(&tables_plan, group))
            continue;
        if ((flexible ? move_anywhere : move_within_group)(&tables_plan, group, ret_again, error))
            return -1;
        if (*ret_again && flexible)
            return 0;
    }
    return 0;
}

static int add_run(struct ext4_run run, void *context, struct error *error)
{
    return resize_pool_add(context, run, error);
}

/* Runs that hold a group's tables; the short ones of a fragmented disk are too many to keep. */
struct long_runs {
    struct resize_pool pool;
    uint64_t least; /* blocks */
};

static int add_long_run(struct ext4_run run, void *context, struct error *error)
{
    struct long_runs *runs = context;

    return run.count < runs->least ? 0 : resize_pool_add(&runs->pool, run, error);
}

static void cleanup_long_runs(struct long_runs *runs)
{
    resize_pool_free(&runs->pool);
}

/* One group's tables go to a run beyond the end. */
static int vacate(struct tables_plan *tables_plan, uint32_t group, struct ext4_run room,
                  struct error *error)
{
    struct resize_tables tables = resize_tables_of(tables_plan->ext4->fs, NULL, group);
    struct resize_table_move move = {group, {room.start, room.start + 1, room.start + 2}};
    const struct ext4_run runs[] = {
        {tables.block_bitmap, 1},
        {tables.inode_bitmap, 1},
        {tables.inode_table, tables_plan->plan->old.inode_table_blocks},
    };

    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        if (resize_zones_outside(tables_plan->zones, runs[i], add_run, tables_plan->early, error))
            return -1;
    return resize_add_table_move(&tables_plan->plan->vacated, move, error);
}

int resize_plan_vacating(struct ext4 *ext4, struct resize_plan *plan,
                         const struct resize_zones *zones, uint64_t needed,
                         struct resize_pool *early, struct error *error)
{
    struct tables_plan tables_plan = {ext4, plan, zones, early, NULL, 0};
    uint64_t row = 2 + (uint64_t)plan->old.inode_table_blocks;
    CLEANUP(cleanup_long_runs) struct long_runs beyond = {.least = row};

    if (needed <= early->blocks || plan->new.groups >= plan->old.groups ||
        plan->old.cluster_blocks > 1 || !ext2fs_has_feature_flex_bg(ext4->fs->super))
        return 0;
    if (ext4_free_runs_each(ext4, plan->new.blocks, plan->old.blocks, add_long_run, &beyond, error))
        return -1;
    for (uint32_t group = plan->new.groups; group < plan->old.groups &&needed > early->blocks;
         group++) {
        struct resize_tables tables = resize_tables_of(ext4->fs, NULL, group);
        struct ext4_run room;

        if (is_in_zone(&tables_plan, tables.inode_table, plan->old.inode_table_blocks) ||
            is_in_zone(&tables_plan, tables.block_bitmap, 1) ||
            is_in_zone(&tables_plan, tables.inode_bitmap, 1))
            continue;
        if (resize_pool_take_whole(&beyond.pool, row, &room, error))
            return -1;
        if (room.count == 0)
            break;
        if (vacate(&tables_plan, group, room, error))
            return -1;
    }
    return 0;
}
