/*
 * Planning the change of geometry. New groups lie in blocks that the committed
 * filesystem doesn't have, and are invisible until the commit, whatever the order. What was
 * there before and changes: superblock, some descriptors, the resize inode, the
 * bitmap of the last group that stays.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "resize/change.h"
#include "resize/copies.h"
#include "resize/fixed.h"
#include "resize/resize-inode.h"
#include "resize/steps.h"

/* The last group that is there before and afterwards. */
static uint32_t last_common_group(const struct resize_plan *plan)
{
    return (uint32_t)min_u64(plan->old.groups, plan->new.groups) - 1;
}

/* Whether a block of a copy was one before: then it is written after the commit. */
static bool was_in_head(const struct resize_plan *plan, uint64_t block)
{
    struct ext4_run head;

    if (block >= plan->old.blocks)
        return false;
    head = ext4_group_head(&plan->old, ext4_group_of(&plan->old, block));
    return block >= head.start && block < head.start + head.count;
}

static int add(struct resize_plan *plan, struct resize_steps *steps, struct resize_step step,
               struct error *error)
{
    if (step.kind != RESIZE_ZERO)
        plan->write_bytes += step.count * plan->new.block_size;
    return resize_add_step(steps, &step, error);
}

static int plan_tables(struct resize_plan *plan, struct error *error)
{
    for (size_t i = 0; i < plan->table_run_count; i++) {
        const struct ext4_run *run = &plan->table_runs[i];

        if (add(plan, &plan->steps,
                (struct resize_step){.kind = RESIZE_ZERO, .place = run->start, .count = run->count},
                error))
            return -1;
    }
    for (uint32_t group = plan->old.groups; group < plan->new.groups; group++) {
        const struct resize_tables *tables = &plan->tables[group - plan->old.groups];
        struct resize_step step = {
            .kind = RESIZE_BLOCK_BITMAP, .group = group, .place = tables->block_bitmap, .count = 1};

        if (!plan->uninitialised[group - plan->old.groups] && add(plan, &plan->steps, step, error))
            return -1;
        step.kind = RESIZE_INODE_BITMAP;
        step.place = tables->inode_bitmap;
        if (!plan->new.has_group_checksums && add(plan, &plan->steps, step, error))
            return -1;
    }
    return 0;
}

static void mark_group(struct resize_plan *plan, uint32_t group)
{
    if (group < plan->new.groups)
        plan->changed_descriptors[group / plan->new.descriptors] = true;
}

static int mark_differences(struct resize_plan *plan, const struct resize_zones *a,
                            const struct resize_zones *b, struct error *error)
{
    CLEANUP(resize_zones_free) struct resize_zones parts = {0};
    uint64_t end = min_u64(plan->old.blocks, plan->new.blocks);

    if (resize_fixed_difference(a, b, end, &parts, error))
        return -1;
    for (size_t i = 0; i < parts.count; i++)
        for (uint32_t group = ext4_group_of(&plan->old, parts.runs[i].start);
             group <= ext4_group_of(&plan->old, parts.runs[i].start + parts.runs[i].count - 1);
             group++)
            mark_group(plan, group);
    return 0;
}

/* Groups in which heads or tables come or go, or blocks that move with the change. */
static int mark_bitmaps(struct resize_plan *plan, struct ext4 *ext4, struct error *error)
{
    CLEANUP(resize_zones_free) struct resize_zones before = {0};
    CLEANUP(resize_zones_free) struct resize_zones after = {0};

    if (resize_fixed_collect(&plan->old, ext4->fs, NULL, &before, error) ||
        resize_fixed_collect(&plan->new, ext4->fs, &plan->table_moves, &after, error) ||
        mark_differences(plan, &before, &after, error) ||
        mark_differences(plan, &after, &before, error))
        return -1;
    for (size_t i = 0; i < plan->table_moves.count; i++)
        mark_group(plan, plan->table_moves.list[i].group);
    return 0;
}

/* All descriptor blocks where their form or place changes, where blocks or trees may move with
 * the change, or where an earlier one has left copies stale; else those of groups that change: new
 * ones, the last that stays, and those in whose bitmaps something comes or goes. */
static int mark_changed(struct resize_plan *plan, struct ext4 *ext4, uint64_t freed_block,
                        struct error *error)
{
    uint32_t blocks = ext4_descriptor_blocks(&plan->new);
    bool all, stale;

    if (resize_copies_are_stale(ext4, &stale, error))
        return -1;
    all = stale || plan->old.is_64bit != plan->new.is_64bit || plan->relocation.move_count > 0 ||
          plan->relocation.inode_count > 0 || plan->inode_move_count > 0;
    plan->changed_descriptors = calloc(blocks, sizeof *plan->changed_descriptors);
    if (!plan->changed_descriptors)
        return error_set_no_memory(error);
    for (uint32_t i = 0; i < blocks; i++)
        plan->changed_descriptors[i] =
            all || i >= (last_common_group(plan) / plan->new.descriptors);
    if (freed_block)
        mark_group(plan, ext4_group_of(&plan->old, freed_block));
    return all ? 0 : mark_bitmaps(plan, ext4, error);
}

static int add_descriptors(struct resize_plan *plan, struct resize_steps *steps, uint32_t group,
                           uint32_t first, uint32_t count, struct error *error)
{
    uint64_t start = ext4_flat_descriptors_start(&plan->new, group);

    return add(plan, steps,
               (struct resize_step){.kind = RESIZE_DESCRIPTORS,
                                    .group = group,
                                    .first = first,
                                    .place = start + first,
                                    .count = count},
               error);
}

/* Flat descriptor blocks of a group: those that change, and those that weren't there; a step for
 * each row of blocks that are written at the same time. */
static int plan_descriptor_rows(struct resize_plan *plan, uint32_t group, struct error *error)
{
    uint64_t start = ext4_flat_descriptors_start(&plan->new, group);
    uint32_t limit = plan->new.flat_descriptor_blocks;

    for (uint32_t first = 0, end; first < limit; first = end) {
        bool was_there = was_in_head(plan, start + first);
        bool later = group > 0 && was_there;

        end = first + 1;
        if (was_there && !plan->changed_descriptors[first])
            continue;
        while (end < limit && was_in_head(plan, start + end) == was_there &&
               (!was_there || plan->changed_descriptors[end]))
            end++;
        if (add_descriptors(plan, later ? &plan->copies : &plan->steps, group, first, end - first,
                            error))
            return -1;
    }
    return 0;
}

static int plan_super_copies(struct resize_plan *plan, struct error *error)
{
    for (uint32_t group = 1; group < plan->new.groups; group++) {
        uint64_t start = ext4_group_start(&plan->new, group);

        if (!ext4_group_has_super(&plan->new, group))
            continue;
        if (add(plan, was_in_head(plan, start) ? &plan->copies : &plan->steps,
                (struct resize_step){
                    .kind = RESIZE_SUPER_COPY, .group = group, .place = start, .count = 1},
                error))
            return -1;
        if ((!plan->new.meta_bg || group < plan->new.first_meta_group) &&
            plan_descriptor_rows(plan, group, error))
            return -1;
    }
    return 0;
}

static int plan_meta_descriptors(struct resize_plan *plan, struct error *error)
{
    uint32_t blocks = ext4_descriptor_blocks(&plan->new);
    uint32_t first = plan->new.meta_bg ? plan->new.flat_descriptor_blocks : blocks;

    for (uint32_t i = first; i < blocks; i++) {
        for (int copy = 0; copy < 3; copy++) {
            uint64_t place = ext4_meta_descriptor_block(&plan->new, i, copy);
            bool was_there = place != 0 && was_in_head(plan, place);

            if (place == 0 || (was_there && !plan->changed_descriptors[i]))
                continue;
            if (add(plan, copy > 0 && was_there ? &plan->copies : &plan->steps,
                    (struct resize_step){
                        .kind = RESIZE_DESCRIPTORS, .first = i, .place = place, .count = 1},
                    error))
                return -1;
        }
    }
    return 0;
}

/* The resize inode, where it has to change: other blocks reserved, or other copies of them. */
static int plan_resize_inode(struct resize_plan *plan, struct ext4 *ext4, struct error *error)
{
    uint64_t double_indirect = 0;
    bool gives_up = plan->old.has_resize_inode && !plan->new.has_resize_inode;

    if (plan->old.has_resize_inode && resize_inode_check(ext4, &double_indirect, error))
        return -1;
    double_indirect = resize_relocation_of(&plan->relocation, double_indirect);
    if (mark_changed(plan, ext4, gives_up ? double_indirect : 0, error))
        return -1;
    if (!plan->old.has_resize_inode)
        return 0;
    plan->resize_inode_places[0] = resize_inode_block(ext4);
    plan->resize_inode_places[1] = double_indirect;
    plan->resize_inode_places[2] =
        ext2fs_block_bitmap_loc(ext4->fs, ext4_group_of(&plan->old, double_indirect));
    return add(
        plan, &plan->steps,
        (struct resize_step){
            .kind = RESIZE_INODE,
            .group = ext4_group_of(&plan->old, double_indirect),
            .first = (uint32_t)double_indirect,
            .place = ext4_flat_descriptors_start(&plan->new, 0) + plan->new.flat_descriptor_blocks,
            .count = max_u64(plan->new.reserved_blocks, 1),
        },
        error);
}

int resize_plan_change(struct ext4 *ext4, struct resize_plan *plan, struct error *error)
{
    uint32_t last = last_common_group(plan);
    struct resize_tables tables = resize_tables_of(ext4->fs, &plan->table_moves, last);

    if (plan_resize_inode(plan, ext4, error) || plan_tables(plan, error) ||
        plan_super_copies(plan, error) || plan_meta_descriptors(plan, error))
        return -1;
    if (add(plan, &plan->steps,
            (struct resize_step){
                .kind = RESIZE_LAST_GROUP, .group = last, .place = tables.block_bitmap, .count = 1},
            error))
        return -1;
    if (plan_descriptor_rows(plan, 0, error))
        return -1;
    return add(plan, &plan->steps, (struct resize_step){.kind = RESIZE_SUPER, .count = 1}, error);
}

int resize_plan_copies(struct ext4 *ext4, struct resize_plan *ret_plan, struct error *error)
{
    uint32_t blocks = ext4_descriptor_blocks(&ext4->geometry);

    *ret_plan = (struct resize_plan){.old = ext4->geometry, .new = ext4->geometry};
    ret_plan->changed_descriptors = malloc(blocks * sizeof *ret_plan->changed_descriptors);
    if (!ret_plan->changed_descriptors)
        return error_set_no_memory(error);
    memset(ret_plan->changed_descriptors, true, blocks * sizeof *ret_plan->changed_descriptors);
    return plan_super_copies(ret_plan, error) || plan_meta_descriptors(ret_plan, error) ? -1 : 0;
}
