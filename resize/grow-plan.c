/*
 * Planning to grow. What is new lies in blocks that the committed filesystem
 * doesn't have, and is invisible until the commit, whatever the order. What was
 * there before and changes: superblock, some descriptors, the resize inode, the
 * bitmap of what was the last group.
 */
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "resize/grow-tables.h"
#include "resize/resize-inode.h"
#include "resize/steps.h"

static bool is_old(const struct resize_plan *plan, uint64_t block)
{
    return block < plan->old.blocks;
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

/* The descriptors of new groups change, that of what was the last one, and that of the group
 * whose bitmap loses the double-indirect block. */
static int mark_changed(struct resize_plan *plan, uint64_t freed_block, struct error *error)
{
    uint32_t blocks = ext4_descriptor_blocks(&plan->new);

    plan->changed_descriptors = calloc(blocks, sizeof *plan->changed_descriptors);
    if (!plan->changed_descriptors)
        return error_set_no_memory(error);
    for (uint32_t i = (plan->old.groups - 1) / plan->old.descriptors; i < blocks; i++)
        plan->changed_descriptors[i] = true;
    if (freed_block)
        plan->changed_descriptors[ext4_group_of(&plan->old, freed_block) / plan->old.descriptors] =
            true;
    return 0;
}

/* Descriptor blocks from first on that change (all: or not), up to limit, as one step each row. */
static int plan_descriptor_rows(struct resize_plan *plan, struct resize_steps *steps,
                                uint32_t group, bool all, struct error *error)
{
    uint64_t start = ext4_flat_descriptors_start(&plan->new, group);
    uint32_t limit = plan->new.flat_descriptor_blocks;

    for (uint32_t first = 0, end; first < limit; first = end + 1) {
        for (end = first; end < limit && (all || plan->changed_descriptors[end]);)
            end++;
        if (end > first && add(plan, steps,
                               (struct resize_step){.kind = RESIZE_DESCRIPTORS,
                                                    .group = group,
                                                    .first = first,
                                                    .place = start + first,
                                                    .count = end - first},
                               error))
            return -1;
    }
    return 0;
}

static int plan_super_copies(struct resize_plan *plan, struct error *error)
{
    for (uint32_t group = 1; group < plan->new.groups; group++) {
        uint64_t start = ext4_group_start(&plan->new, group);
        bool old = is_old(plan, start);
        struct resize_steps *steps = old ? &plan->copies : &plan->steps;

        if (!ext4_group_has_super(&plan->new, group))
            continue;
        if (add(plan, steps,
                (struct resize_step){
                    .kind = RESIZE_SUPER_COPY, .group = group, .place = start, .count = 1},
                error))
            return -1;
        if ((!plan->new.meta_bg || group < plan->new.first_meta_group) &&
            plan_descriptor_rows(plan, steps, group, !old, error))
            return -1;
    }
    return 0;
}

static int plan_meta_descriptors(struct resize_plan *plan, struct error *error)
{
    uint32_t blocks = ext4_descriptor_blocks(&plan->new);
    uint32_t first = plan->new.meta_bg ? plan->new.flat_descriptor_blocks : blocks;

    for (uint32_t i = first; i < blocks; i++) {
        for (int copy = 0; copy < 3 && plan->changed_descriptors[i]; copy++) {
            uint64_t place = ext4_meta_descriptor_block(&plan->new, i, copy);
            bool later = copy > 0 && is_old(plan, place);

            if (place != 0 &&
                add(plan, later ? &plan->copies : &plan->steps,
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
    if (mark_changed(plan, gives_up ? double_indirect : 0, error))
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

static int plan_steps(struct resize_plan *plan, struct ext4 *ext4, struct error *error)
{
    uint32_t old_last = plan->old.groups - 1;

    if (plan_resize_inode(plan, ext4, error) || plan_tables(plan, error) ||
        plan_super_copies(plan, error) || plan_meta_descriptors(plan, error))
        return -1;
    if (add(plan, &plan->steps,
            (struct resize_step){.kind = RESIZE_OLD_LAST,
                                 .group = old_last,
                                 .place = ext2fs_block_bitmap_loc(ext4->fs, old_last),
                                 .count = 1},
            error))
        return -1;
    if (plan_descriptor_rows(plan, &plan->steps, 0, false, error))
        return -1;
    return add(plan, &plan->steps, (struct resize_step){.kind = RESIZE_SUPER, .count = 1}, error);
}

int resize_plan_grow(struct ext4 *ext4, uint64_t size, struct resize_plan *ret_plan,
                     struct error *error)
{
    CLEANUP(resize_plan_free) struct resize_plan plan = {.old = ext4->geometry};

    if (ext4_geometry_grow(&plan.old, size / plan.old.block_size, &plan.new, error))
        return -1;
    if (plan.new.blocks != plan.old.blocks &&
        (resize_place_tables(&plan, error) || plan_steps(&plan, ext4, error)))
        return -1;
    *ret_plan = plan;
    plan = (struct resize_plan){0};
    return 0;
}
