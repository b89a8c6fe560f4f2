/*
 * From what is asked for to a plan: the geometry, then what has to move for
 * it, then the change itself.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "resize/change.h"
#include "resize/fixed.h"
#include "resize/grow-tables.h"
#include "resize/make-room.h"
#include "resize/minimum.h"

/* Blocks of inode tables that hold the inodes whose blocks move. */
static uint64_t count_inode_blocks(struct ext4 *ext4, const struct resize_relocation *relocation)
{
    uint32_t per_block = ext4->geometry.block_size / (uint32_t)EXT2_INODE_SIZE(ext4->fs->super);
    uint64_t count = 0;

    for (size_t i = 0; i < relocation->inode_count; i++)
        count += i == 0 || (relocation->inodes[i].number - 1) / per_block !=
                               (relocation->inodes[i - 1].number - 1) / per_block;
    return count;
}

/* Blocks of tables that have ever been written, of groups whose tables go elsewhere. */
static uint64_t count_table_blocks(struct ext4 *ext4, const struct resize_table_moves *moves)
{
    const struct ext4_geometry *geometry = &ext4->geometry;
    uint64_t count = 0;

    for (size_t i = 0; i < moves->count; i++) {
        uint32_t group = moves->list[i].group, inodes = geometry->group_inodes;

        if (geometry->has_group_checksums)
            inodes -= (uint32_t)min_u64(inodes, ext2fs_bg_itable_unused(ext4->fs, group));
        count += 2 + divide_up((uint64_t)inodes * EXT2_INODE_SIZE(ext4->fs->super),
                               geometry->block_size);
    }
    return count;
}

uint64_t resize_count_moved(struct ext4 *ext4, const struct resize_plan *plan)
{
    return plan->relocation.copied + resize_fixed_blocks(&plan->renumbered, UINT64_MAX) +
           plan->relocation.node_count + count_inode_blocks(ext4, &plan->relocation) +
           count_table_blocks(ext4, &plan->vacated) + count_table_blocks(ext4, &plan->table_moves);
}

/* A plan for the geometry, or how many blocks it lacks. */
static int plan_for(struct ext4 *ext4, const struct ext4_geometry *geometry,
                    struct resize_plan *ret_plan, uint64_t *ret_missing, struct error *error)
{
    CLEANUP(resize_plan_free) struct resize_plan plan = {.old = ext4->geometry, .new = *geometry};
    bool grows = geometry->blocks > plan.old.blocks;

    *ret_missing = 0;
    if (grows && resize_place_tables(&plan, error))
        return -1;
    if (!grows && resize_plan_room(ext4, &plan, ret_missing, error)) {
        if (error->kind != ERROR_NO_SPACE)
            return -1;
        *ret_missing = 1;
    }
    if (*ret_missing > 0)
        return 0;
    if (resize_plan_change(ext4, &plan, error))
        return -1;
    plan.write_bytes += resize_count_moved(ext4, &plan) * plan.old.block_size;
    *ret_plan = plan;
    plan = (struct resize_plan){0};
    return 0;
}

/* By how much trees are larger than need be where all blocks stay. */
static int count_wide_trees(struct ext4 *ext4, uint64_t *ret_blocks, struct error *error)
{
    CLEANUP(resize_relocation_free) struct resize_relocation relocation = {0};
    struct resize_zones none = {0};
    struct resize_room room = {.zones = &none};
    uint64_t missing;

    if (resize_relocation_survey(ext4, &none, ext4->geometry.blocks, &relocation, error) ||
        resize_relocation_place(ext4, &relocation, &room, &missing, error))
        return -1;
    *ret_blocks = resize_relocation_saved(&relocation, &ext4->geometry);
    return 0;
}

/* The search for the smallest geometry for which there is a plan. */
struct search {
    struct ext4 *ext4;
    uint64_t saved;          /* see resize_minimum_geometry */
    uint64_t too_small;      /* blocks: no plan was found for that */
    struct resize_plan plan; /* the best one so far; at first, for the old geometry */
};

/* Tries the first geometry of at least blocks blocks that has room by the counts, unless a plan is
 * there for that already: then *ret_tried is false. *ret_missing as plan_for. */
static int try_geometry(struct search *search, uint64_t blocks, bool *ret_tried,
                        uint64_t *ret_missing, struct error *error)
{
    struct ext4_geometry geometry;
    struct resize_plan plan;

    if (resize_minimum_geometry(search->ext4, blocks, search->saved, &geometry, error))
        return -1;
    *ret_tried = geometry.blocks < search->plan.new.blocks;
    if (!*ret_tried)
        return 0;
    if (plan_for(search->ext4, &geometry, &plan, ret_missing, error))
        return -1;
    if (*ret_missing > 0) {
        search->too_small = geometry.blocks;
        return 0;
    }
    resize_plan_free(&search->plan);
    search->plan = plan;
    search->saved = max_u64(search->saved, resize_relocation_saved(&plan.relocation, &plan.old));
    return 0;
}

/* Upwards, until there is a plan. */
static int find_plan(struct search *search, struct error *error)
{
    uint64_t missing = 0;
    bool tried;

    do {
        if (try_geometry(search, search->too_small + missing, &tried, &missing, error))
            return -1;
    } while (tried && missing > 0);
    return 0;
}

/* Downwards, while the plan leaves blocks free: what moves to other places makes other trees. */
static int refine_plan(struct search *search, struct error *error)
{
    bool tried = true;

    while (tried && search->plan.relocation.spare > 0) {
        uint64_t best = search->plan.new.blocks, missing;
        uint64_t blocks = best - min_u64(best, search->plan.relocation.spare);

        if (blocks <= search->too_small)
            blocks = search->too_small + divide_up(best - search->too_small, 2);
        if (blocks == best)
            break;
        if (try_geometry(search, blocks, &tried, &missing, error))
            return -1;
    }
    return 0;
}

static int plan_minimum(struct ext4 *ext4, struct resize_plan *ret_plan, struct error *error)
{
    struct search search = {.ext4 = ext4, .plan = {.old = ext4->geometry, .new = ext4->geometry}};

    if (count_wide_trees(ext4, &search.saved, error) || find_plan(&search, error) ||
        refine_plan(&search, error)) {
        resize_plan_free(&search.plan);
        return -1;
    }
    *ret_plan = search.plan;
    return 0;
}

static int refuse_size(const struct resize_plan *smallest, uint64_t blocks, struct error *error)
{
    uint32_t block_size = smallest->old.block_size;

    return error_set(error, ERROR_REFUSED,
                     "the filesystem can't be as small as %" PRIu64
                     " bytes: its minimum is %" PRIu64 " bytes (%" PRIu64 " blocks)",
                     blocks * block_size, smallest->new.blocks *block_size, smallest->new.blocks);
}

/* A plan for a geometry that by the counts has room for all; else 1 or more are missing. */
static int plan_by_counts(struct ext4 *ext4, const struct ext4_geometry *geometry,
                          struct resize_plan *ret_plan, uint64_t *ret_missing, struct error *error)
{
    struct ext4_geometry least;

    *ret_missing = 1;
    if (resize_minimum_geometry(ext4, geometry->blocks, 0, &least, error))
        return -1;
    return least.blocks == geometry->blocks ? plan_for(ext4, geometry, ret_plan, ret_missing, error)
                                            : 0;
}

/* Where the counts leave no room, smaller trees may: the minimum tells. */
static int plan_smaller(struct ext4 *ext4, uint64_t blocks, struct resize_plan *ret_plan,
                        struct error *error)
{
    CLEANUP(resize_plan_free) struct resize_plan smallest = {0};
    struct ext4_geometry geometry = {0};
    bool is_size = ext4_geometry_shrink(&ext4->geometry, blocks, &geometry);
    uint64_t missing = 1;

    if (is_size && geometry.blocks == ext4->geometry.blocks) {
        *ret_plan = (struct resize_plan){.old = ext4->geometry, .new = ext4->geometry};
        return 0;
    }
    if (is_size && plan_by_counts(ext4, &geometry, ret_plan, &missing, error))
        return -1;
    if (missing == 0)
        return 0;
    if (plan_minimum(ext4, &smallest, error))
        return -1;
    if (!is_size || geometry.blocks < smallest.new.blocks)
        return refuse_size(&smallest, blocks, error);
    if (plan_for(ext4, &geometry, ret_plan, &missing, error))
        return -1;
    return missing > 0 ? refuse_size(&smallest, blocks, error) : 0;
}

static int plan_larger(struct ext4 *ext4, uint64_t blocks, struct resize_plan *ret_plan,
                       struct error *error)
{
    struct ext4_geometry geometry;
    uint64_t missing;

    if (ext4_geometry_grow(&ext4->geometry, blocks, &geometry, error))
        return -1;
    if (geometry.blocks > ext4->geometry.blocks)
        return plan_for(ext4, &geometry, ret_plan, &missing, error);
    *ret_plan = (struct resize_plan){.old = ext4->geometry, .new = ext4->geometry};
    return 0;
}

static int plan_conversion(struct ext4 *ext4, bool to_64bit, struct resize_plan *ret_plan,
                           struct error *error)
{
    struct ext4_geometry geometry;
    uint64_t missing;

    if (ext4_geometry_convert(&ext4->geometry, to_64bit, &geometry, error))
        return -1;
    if (geometry.is_64bit == ext4->geometry.is_64bit) {
        *ret_plan = (struct resize_plan){.old = ext4->geometry, .new = ext4->geometry};
        return 0;
    }
    if (plan_for(ext4, &geometry, ret_plan, &missing, error))
        return -1;
    if (missing == 0)
        return 0;
    error_set(error, ERROR_REFUSED,
              "there is no room for larger descriptors (%" PRIu64 " more free blocks expected)",
              missing);
    return error_set_remedy(error, "make the filesystem larger first, or delete files");
}

int resize_plan_make(struct ext4 *ext4, const struct resize_request *request,
                     struct resize_plan *ret_plan, struct error *error)
{
    uint64_t blocks = request->size / ext4->geometry.block_size;

    switch (request->goal) {
    case RESIZE_TO_MINIMUM:
        return plan_minimum(ext4, ret_plan, error);
    case RESIZE_TO_64BIT:
        return plan_conversion(ext4, true, ret_plan, error);
    case RESIZE_TO_32BIT:
        return plan_conversion(ext4, false, ret_plan, error);
    case RESIZE_TO_SIZE:
        break;
    }
    return blocks < ext4->geometry.blocks ? plan_smaller(ext4, blocks, ret_plan, error)
                                          : plan_larger(ext4, blocks, ret_plan, error);
}
