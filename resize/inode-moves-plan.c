/*
 * New numbers for the inodes of groups that go.
 */
#include <stdlib.h>

#include "base/array.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/bitmaps.h"
#include "ext4/inode-table.h"
#include "resize/make-room.h"

static int add_inode_move(struct resize_plan *plan, uint32_t from, struct error *error)
{
    struct resize_inode_move *larger =
        array_make_room(plan->inode_moves, plan->inode_move_count, &plan->inode_move_capacity,
                        sizeof *larger, error);

    if (!larger)
        return -1;
    plan->inode_moves = larger;
    larger[plan->inode_move_count++] = (struct resize_inode_move){.from = from};
    return 0;
}

/* Inodes in use in the groups that go. */
static int collect_from(struct ext4 *ext4, struct resize_plan *plan, uint8_t *bitmap,
                        struct error *error)
{
    uint32_t inodes = plan->old.group_inodes;

    for (uint32_t group = plan->new.groups; group < plan->old.groups; group++) {
        if (ext2fs_bg_free_inodes_count(ext4->fs, group) == inodes)
            continue;
        if (ext4_inode_bitmap_read(ext4, group, bitmap, error))
            return -1;
        for (uint32_t bit = ext4_bitmap_next(bitmap, 0, inodes, true); bit < inodes;
             bit = ext4_bitmap_next(bitmap, bit + 1, inodes, true))
            if (add_inode_move(plan, group * inodes + bit + 1, error))
                return -1;
    }
    return 0;
}

/* The lowest free numbers that aren't reserved. Counting has shown that there are enough. */
static int choose_to(struct ext4 *ext4, struct resize_plan *plan, uint8_t *bitmap,
                     struct error *error)
{
    uint32_t inodes = plan->old.group_inodes;
    size_t chosen = 0;

    for (uint32_t group = 0; group < plan->new.groups &&chosen < plan->inode_move_count; group++) {
        uint32_t first = group == 0 ? EXT2_FIRST_INODE(ext4->fs->super) - 1 : 0;

        if (ext2fs_bg_free_inodes_count(ext4->fs, group) == 0)
            continue;
        if (ext4_inode_bitmap_read(ext4, group, bitmap, error))
            return -1;
        for (uint32_t bit = ext4_bitmap_next(bitmap, first, inodes, false);
             bit < inodes && chosen < plan->inode_move_count;
             bit = ext4_bitmap_next(bitmap, bit + 1, inodes, false))
            plan->inode_moves[chosen++].to = group * inodes + bit + 1;
    }
    return chosen == plan->inode_move_count
               ? 0
               : error_set(error, ERROR_NO_SPACE, "there are too few inodes");
}

int resize_plan_inode_moves(struct ext4 *ext4, struct resize_plan *plan, struct error *error)
{
    CLEANUP_FREE uint8_t *bitmap = malloc(ext4->geometry.block_size);

    if (!bitmap)
        return error_set_no_memory(error);
    if (plan->new.groups >= plan->old.groups)
        return 0;
    if (collect_from(ext4, plan, bitmap, error) || choose_to(ext4, plan, bitmap, error))
        return -1;
    if (resize_renumber_check(ext4, plan->inode_moves, plan->inode_move_count, &plan->renumbered,
                              error))
        return -1;
    resize_zones_sort(&plan->renumbered, &plan->old);
    return 0;
}
