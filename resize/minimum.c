#include "resize/minimum.h"

#include "base/checked.h"
#include "base/cleanup.h"
#include "resize/fixed.h"

/* What is in use, whatever the geometry. */
struct demand {
    uint64_t blocks; /* of inodes, in whole clusters */
    uint64_t inodes; /* numbers for them: as many as there are, or up to the last where they stay */
};

static int count_demand(struct ext4 *ext4, struct demand *ret_demand, struct error *error)
{
    CLEANUP(resize_zones_free) struct resize_zones fixed = {0};
    const struct ext4_geometry *geometry = &ext4->geometry;
    bool numbers_stay = ext2fs_has_feature_stable_inodes(ext4->fs->super);
    uint64_t used_clusters = 0, inodes = 0;

    for (uint32_t group = 0; group < geometry->groups; group++) {
        uint32_t used = geometry->group_inodes - ext2fs_bg_free_inodes_count(ext4->fs, group);

        used_clusters +=
            ext4_group_clusters(geometry, group) - ext2fs_bg_free_blocks_count(ext4->fs, group);
        if (numbers_stay && used > 0)
            inodes = (uint64_t)group * geometry->group_inodes + used;
        else
            inodes += used;
    }
    if (resize_fixed_collect(geometry, ext4->fs, NULL, &fixed, error))
        return -1;
    ret_demand->blocks =
        used_clusters * geometry->cluster_blocks -
        resize_fixed_blocks(&fixed, round_up(geometry->blocks, geometry->cluster_blocks));
    ret_demand->inodes = inodes;
    return 0;
}

/* What the geometry takes: tables that lie beyond its end count as much there. */
static int count_fixed(struct ext4 *ext4, const struct ext4_geometry *geometry,
                       uint64_t *ret_blocks, struct error *error)
{
    CLEANUP(resize_zones_free) struct resize_zones fixed = {0};

    if (resize_fixed_collect(geometry, ext4->fs, NULL, &fixed, error))
        return -1;
    *ret_blocks = resize_fixed_blocks(&fixed, UINT64_MAX);
    return 0;
}

/* The blocks that a size needs at least to have one group more than groups. */
static uint64_t least_with_group(const struct ext4_geometry *old, uint32_t groups)
{
    struct ext4_geometry probe;
    uint64_t start = ext4_group_start(old, groups);

    if (!ext4_geometry_shrink(old, min_u64(start + old->group_blocks, old->blocks), &probe))
        return old->blocks;
    return round_up(start + ext4_group_least_blocks(&probe, groups), old->cluster_blocks);
}

int resize_minimum_geometry(struct ext4 *ext4, uint64_t blocks, uint64_t saved,
                            struct ext4_geometry *ret_geometry, struct error *error)
{
    const struct ext4_geometry *old = &ext4->geometry;
    struct demand demand;

    if (count_demand(ext4, &demand, error))
        return -1;
    demand.blocks -= min_u64(saved, demand.blocks);
    blocks = max_u64(blocks, old->first_block + demand.blocks);
    for (;;) {
        uint64_t fixed, room;

        blocks = round_up(blocks, old->cluster_blocks);
        if (blocks >= old->blocks) {
            *ret_geometry = *old;
            return 0;
        }
        if (!ext4_geometry_shrink(old, blocks, ret_geometry)) {
            blocks = max_u64(blocks + 1, least_with_group(old, 0));
            continue;
        }
        if (ret_geometry->blocks < blocks) {
            blocks = max_u64(blocks + 1, least_with_group(old, ret_geometry->groups));
            continue;
        }
        if ((uint64_t)ret_geometry->groups * old->group_inodes < demand.inodes) {
            blocks = max_u64(blocks + 1, least_with_group(old, ret_geometry->groups));
            continue;
        }
        if (count_fixed(ext4, ret_geometry, &fixed, error))
            return -1;
        room = blocks - old->first_block;
        if (demand.blocks + fixed <= room)
            return 0;
        blocks += demand.blocks + fixed - room;
    }
}
