#include <inttypes.h>

#include "base/checked.h"
#include "ext4/geometry.h"

/* A last group must have this many blocks beyond its own tables, or it is dropped; the first can't
 * be, and may be as small as what it holds. */
#define LAST_GROUP_SPARE_BLOCKS 50

/* The backups of sparse_super2: the second stays in the last group, as mke2fs and resize2fs have
 * it; a filesystem too small for any gets them when it grows. */
static void move_two_backups(const struct ext4_geometry *old, struct ext4_geometry *changed)
{
    uint32_t last = changed->groups - 1;

    /* Of two groups, mke2fs calls the second the last one. */
    if (old->groups == 2 && changed->backup_groups[0] == 0 && changed->backup_groups[1] == 1) {
        changed->backup_groups[0] = 1;
        changed->backup_groups[1] = 0;
    }
    if (old->groups == 1 && last >= 1)
        changed->backup_groups[0] = 1;
    if ((old->backup_groups[1] != 0 && old->backup_groups[1] == old->groups - 1) ||
        old->groups <= 2)
        changed->backup_groups[1] = last >= 2 ? last : 0;
    for (int i = 0; i < 2; i++)
        if (changed->backup_groups[i] > last)
            changed->backup_groups[i] = 0;
    if (changed->backup_groups[0] == changed->backup_groups[1])
        changed->backup_groups[1] = 0;
}

/* More blocks than an indirect block lists can't be reserved, and none without the inode. */
static uint32_t most_reserved(const struct ext4_geometry *geometry, uint32_t room)
{
    if (!geometry->has_resize_inode || room <= geometry->flat_descriptor_blocks)
        return 0;
    return (uint32_t)min_u64(room - geometry->flat_descriptor_blocks, geometry->block_size / 4);
}

/* Where the descriptors go when all groups are there already: as few blocks behind the
 * superblocks as hold them. */
static void place_flat_descriptors(const struct ext4_geometry *old, struct ext4_geometry *changed)
{
    uint32_t blocks = ext4_descriptor_blocks(changed);

    if (old->meta_bg && old->flat_descriptor_blocks <= blocks) {
        changed->first_meta_group = changed->flat_descriptor_blocks * changed->descriptors;
        return;
    }
    changed->meta_bg = false;
    changed->flat_descriptor_blocks = blocks;
    changed->reserved_blocks =
        most_reserved(changed, old->flat_descriptor_blocks + old->reserved_blocks);
    changed->first_meta_group = blocks * changed->descriptors;
}

/* Where the descriptors of new groups go: behind the old ones as far as blocks are reserved,
 * then into the groups themselves. The resize inode lists copies by numbers of 32 bits, so none
 * stay reserved in a filesystem that passes 2^32 blocks. */
static void place_more_descriptors(const struct ext4_geometry *old, struct ext4_geometry *changed)
{
    uint32_t room = old->flat_descriptor_blocks + old->reserved_blocks;

    if (old->meta_bg)
        return;
    if (changed->blocks > UINT32_MAX && old->reserved_blocks > 0)
        changed->has_resize_inode = false;
    if (ext4_descriptor_blocks(changed) <= room) {
        place_flat_descriptors(old, changed);
        return;
    }
    changed->flat_descriptor_blocks = room;
    changed->reserved_blocks = 0;
    changed->meta_bg = true;
    changed->has_resize_inode = false;
    changed->first_meta_group = room * changed->descriptors;
}

/* old with another number of blocks, and all that follows from it. */
static struct ext4_geometry with_blocks(const struct ext4_geometry *old, uint64_t blocks)
{
    struct ext4_geometry changed = *old;

    changed.blocks = blocks;
    changed.groups = (uint32_t)divide_up(blocks - old->first_block, old->group_blocks);
    if (changed.backup_rule == EXT4_BACKUPS_TWO)
        move_two_backups(old, &changed);
    if (blocks > old->blocks)
        place_more_descriptors(old, &changed);
    else
        place_flat_descriptors(old, &changed);
    return changed;
}

static bool last_group_is_too_short(const struct ext4_geometry *geometry)
{
    uint32_t last = geometry->groups - 1;

    return ext4_group_blocks(geometry, last) < geometry->group_blocks &&
           ext4_group_blocks(geometry, last) < ext4_group_least_blocks(geometry, last);
}

uint64_t ext4_group_least_blocks(const struct ext4_geometry *geometry, uint32_t group)
{
    return ext4_group_head(geometry, group).count + 2 + (uint64_t)geometry->inode_table_blocks +
           (group > 0 ? LAST_GROUP_SPARE_BLOCKS : 0);
}

int ext4_geometry_grow(const struct ext4_geometry *old, uint64_t blocks,
                       struct ext4_geometry *ret_new, struct error *error)
{
    uint64_t most_groups = UINT32_MAX / old->group_inodes;
    uint64_t most_blocks = old->first_block + most_groups * old->group_blocks;
    struct ext4_geometry grown;

    if (!old->is_64bit && blocks > UINT32_MAX) {
        error_set(error, ERROR_UNSUPPORTED,
                  "the filesystem has no 64bit feature and can't have %" PRIu64
                  " blocks (at most 4294967295 expected)",
                  blocks);
        return error_set_remedy(error,
                                "give a size of at most %" PRIu64 " bytes, or convert "
                                "the filesystem first with `ext4resize -b`",
                                (uint64_t)UINT32_MAX * old->block_size);
    }
    blocks = round_down(min_u64(blocks, most_blocks), old->cluster_blocks);
    *ret_new = *old;
    if (blocks <= old->blocks)
        return 0;
    grown = with_blocks(old, blocks);
    if (grown.groups > old->groups && last_group_is_too_short(&grown)) {
        blocks = ext4_group_start(&grown, grown.groups - 1);
        if (blocks == old->blocks)
            return 0;
        grown = with_blocks(old, blocks);
    }
    *ret_new = grown;
    return 0;
}

bool ext4_geometry_shrink(const struct ext4_geometry *old, uint64_t blocks,
                          struct ext4_geometry *ret_new)
{
    blocks = round_down(min_u64(blocks, old->blocks), old->cluster_blocks);
    *ret_new = *old;
    if (blocks == old->blocks)
        return true;
    if (blocks <= old->first_block)
        return false;
    *ret_new = with_blocks(old, blocks);
    if (!last_group_is_too_short(ret_new))
        return true;
    if (ret_new->groups == 1)
        return false;
    *ret_new = with_blocks(old, ext4_group_start(ret_new, ret_new->groups - 1));
    return true;
}

int ext4_geometry_convert(const struct ext4_geometry *old, bool to_64bit,
                          struct ext4_geometry *ret_new, struct error *error)
{
    struct ext4_geometry changed = *old;

    if (!to_64bit && old->blocks > UINT32_MAX)
        return error_set(error, ERROR_REFUSED,
                         "the filesystem has %" PRIu64
                         " blocks, which 32 bits don't hold (at most 4294967295 expected)",
                         old->blocks);
    if (old->is_64bit != to_64bit) {
        changed.is_64bit = to_64bit;
        changed.descriptors =
            old->block_size / (to_64bit ? EXT2_MIN_DESC_SIZE_64BIT : EXT2_MIN_DESC_SIZE);
        place_flat_descriptors(old, &changed);
    }
    if (changed.flat_descriptor_blocks + changed.reserved_blocks + 3 + changed.inode_table_blocks >
        ext4_group_blocks(&changed, 0))
        return error_set(error, ERROR_UNSUPPORTED,
                         "the first group has no room for descriptors of 64 bytes");
    *ret_new = changed;
    return 0;
}
