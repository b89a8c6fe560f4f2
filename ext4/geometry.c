#include "ext4/geometry.h"

#include <inttypes.h>

#include "base/checked.h"

static int bad_field(struct error *error, const char *field, uint64_t value, const char *expected)
{
    return error_set(error, ERROR_CORRUPT, "the superblock's %s is %" PRIu64 " (%s expected)",
                     field, value, expected);
}

static int read_sizes(const struct ext2_super_block *super, struct ext4_geometry *geometry,
                      struct error *error)
{
    bool bigalloc = super->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_BIGALLOC;
    uint32_t inode_size = super->s_rev_level == 0 ? 128 : super->s_inode_size;
    uint32_t descriptor_size = geometry->is_64bit ? super->s_desc_size : EXT2_MIN_DESC_SIZE;

    if (super->s_log_block_size > 6)
        return bad_field(error, "s_log_block_size", super->s_log_block_size, "0 to 6");
    geometry->block_size = UINT32_C(1024) << super->s_log_block_size;
    if (!is_power_of_two(inode_size) || inode_size < 128 || inode_size > geometry->block_size)
        return bad_field(error, "s_inode_size", inode_size, "a power of two from 128 on");
    if (!is_power_of_two(descriptor_size) ||
        descriptor_size < (geometry->is_64bit ? EXT2_MIN_DESC_SIZE_64BIT : EXT2_MIN_DESC_SIZE) ||
        descriptor_size > geometry->block_size)
        return bad_field(error, "s_desc_size", descriptor_size, "a power of two from 64 on");
    if (bigalloc && (super->s_log_cluster_size < super->s_log_block_size ||
                     super->s_log_cluster_size > super->s_log_block_size + 16))
        return bad_field(error, "s_log_cluster_size", super->s_log_cluster_size,
                         "the block size's or more");
    geometry->cluster_blocks =
        bigalloc ? UINT32_C(1) << (super->s_log_cluster_size - super->s_log_block_size) : 1;
    geometry->descriptors = geometry->block_size / descriptor_size;
    geometry->group_inodes = super->s_inodes_per_group;
    if (geometry->group_inodes == 0 || geometry->group_inodes > geometry->block_size * 8 ||
        geometry->group_inodes % 8 != 0)
        return bad_field(error, "s_inodes_per_group", geometry->group_inodes,
                         "a multiple of 8 up to the bits of a block");
    geometry->inode_table_blocks =
        (uint32_t)divide_up((uint64_t)geometry->group_inodes * inode_size, geometry->block_size);
    return 0;
}

static int read_groups(const struct ext2_super_block *super, struct ext4_geometry *geometry,
                       struct error *error)
{
    uint64_t groups;

    geometry->group_clusters = super->s_clusters_per_group;
    geometry->group_blocks = super->s_blocks_per_group;
    if (geometry->group_clusters == 0 || geometry->group_clusters % 8 != 0 ||
        geometry->group_clusters > geometry->block_size * 8)
        return bad_field(error, "s_clusters_per_group", geometry->group_clusters,
                         "a multiple of 8 up to the bits of a block");
    if ((uint64_t)geometry->group_clusters * geometry->cluster_blocks != geometry->group_blocks)
        return bad_field(error, "s_blocks_per_group", geometry->group_blocks,
                         "the clusters a group times the blocks a cluster");
    if (geometry->first_block != (geometry->block_size == 1024 && geometry->cluster_blocks == 1))
        return bad_field(error, "s_first_data_block", geometry->first_block,
                         "1 with blocks of 1024 bytes and no clusters, else 0");
    if (geometry->blocks <= geometry->first_block || geometry->blocks > UINT64_C(1) << 48 ||
        geometry->blocks % geometry->cluster_blocks != 0)
        return bad_field(error, "s_blocks_count", geometry->blocks, "whole clusters below 2^48");
    groups = divide_up(geometry->blocks - geometry->first_block, geometry->group_blocks);
    if (groups * geometry->group_inodes != super->s_inodes_count)
        return bad_field(error, "s_inodes_count", super->s_inodes_count,
                         "the inodes a group times the groups");
    geometry->groups = (uint32_t)groups;
    if (geometry->group_blocks <= geometry->inode_table_blocks + 2)
        return bad_field(error, "s_blocks_per_group", geometry->group_blocks,
                         "more than a group's tables take");
    return 0;
}

static int read_descriptor_places(const struct ext2_super_block *super,
                                  struct ext4_geometry *geometry, struct error *error)
{
    uint32_t blocks = ext4_descriptor_blocks(geometry);

    geometry->meta_bg = super->s_feature_incompat & EXT2_FEATURE_INCOMPAT_META_BG;
    geometry->flat_descriptor_blocks = blocks;
    if (geometry->meta_bg)
        geometry->flat_descriptor_blocks = super->s_first_meta_bg;
    else
        geometry->reserved_blocks = super->s_reserved_gdt_blocks;
    if (geometry->flat_descriptor_blocks > blocks)
        return bad_field(error, "s_first_meta_bg", super->s_first_meta_bg,
                         "no more than the descriptor blocks");
    geometry->first_meta_group = geometry->flat_descriptor_blocks * geometry->descriptors;
    if (geometry->reserved_blocks > geometry->block_size / 4)
        return bad_field(error, "s_reserved_gdt_blocks", geometry->reserved_blocks,
                         "no more than an indirect block lists");
    if (geometry->flat_descriptor_blocks + geometry->reserved_blocks + 1 >= geometry->group_blocks)
        return bad_field(error, "s_blocks_per_group", geometry->group_blocks,
                         "more than the descriptors take");
    return 0;
}

int ext4_geometry_read(const struct ext2_super_block *super, struct ext4_geometry *ret_geometry,
                       struct error *error)
{
    struct ext4_geometry geometry = {
        .first_block = super->s_first_data_block,
        .blocks = super->s_blocks_count,
        .flex_groups = 1,
        .is_64bit = super->s_feature_incompat & EXT4_FEATURE_INCOMPAT_64BIT,
        .has_resize_inode = super->s_feature_compat & EXT2_FEATURE_COMPAT_RESIZE_INODE,
        .has_group_checksums = super->s_feature_ro_compat & (EXT4_FEATURE_RO_COMPAT_GDT_CSUM |
                                                             EXT4_FEATURE_RO_COMPAT_METADATA_CSUM),
        .backup_rule = super->s_feature_compat & EXT4_FEATURE_COMPAT_SPARSE_SUPER2
                           ? EXT4_BACKUPS_TWO
                       : super->s_feature_ro_compat & EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER
                           ? EXT4_BACKUPS_SPARSE
                           : EXT4_BACKUPS_EVERYWHERE,
        .backup_groups = {super->s_backup_bgs[0], super->s_backup_bgs[1]},
    };

    if (geometry.is_64bit)
        geometry.blocks |= (uint64_t)super->s_blocks_count_hi << 32;
    if (super->s_feature_incompat & EXT4_FEATURE_INCOMPAT_FLEX_BG) {
        if (super->s_log_groups_per_flex > 31)
            return bad_field(error, "s_log_groups_per_flex", super->s_log_groups_per_flex,
                             "31 or less");
        geometry.flex_groups = UINT32_C(1) << super->s_log_groups_per_flex;
    }
    if (read_sizes(super, &geometry, error) || read_groups(super, &geometry, error) ||
        read_descriptor_places(super, &geometry, error))
        return -1;
    *ret_geometry = geometry;
    return 0;
}

uint64_t ext4_group_start(const struct ext4_geometry *geometry, uint32_t group)
{
    return geometry->first_block + (uint64_t)group * geometry->group_blocks;
}

uint64_t ext4_group_blocks(const struct ext4_geometry *geometry, uint32_t group)
{
    return min_u64(geometry->group_blocks, geometry->blocks - ext4_group_start(geometry, group));
}

uint32_t ext4_group_of(const struct ext4_geometry *geometry, uint64_t block)
{
    return (uint32_t)((block - geometry->first_block) / geometry->group_blocks);
}

uint32_t ext4_group_clusters(const struct ext4_geometry *geometry, uint32_t group)
{
    return (uint32_t)divide_up(ext4_group_blocks(geometry, group), geometry->cluster_blocks);
}

static bool is_power_of(uint32_t value, uint32_t base)
{
    while (value % base == 0)
        value /= base;
    return value == 1;
}

bool ext4_group_has_super(const struct ext4_geometry *geometry, uint32_t group)
{
    if (group == 0 || geometry->backup_rule == EXT4_BACKUPS_EVERYWHERE)
        return true;
    if (geometry->backup_rule == EXT4_BACKUPS_TWO)
        return group == geometry->backup_groups[0] || group == geometry->backup_groups[1];
    return group == 1 || is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

uint32_t ext4_group_descriptor_blocks(const struct ext4_geometry *geometry, uint32_t group)
{
    uint32_t within = group % geometry->descriptors;

    if (geometry->meta_bg && group >= geometry->first_meta_group)
        return within == 0 || within == 1 || within == geometry->descriptors - 1;
    return ext4_group_has_super(geometry, group) ? geometry->flat_descriptor_blocks : 0;
}

/* bigalloc with blocks of 1 KiB: block 0 is the boot block, the superblock is block 1. */
static bool has_boot_block(const struct ext4_geometry *geometry, uint32_t group)
{
    return group == 0 && geometry->block_size == 1024 && geometry->first_block == 0;
}

uint64_t ext4_flat_descriptors_start(const struct ext4_geometry *geometry, uint32_t group)
{
    return ext4_group_start(geometry, group) + has_boot_block(geometry, group) + 1;
}

struct ext4_run ext4_group_head(const struct ext4_geometry *geometry, uint32_t group)
{
    struct ext4_run head = {ext4_group_start(geometry, group), 0};

    if (ext4_group_has_super(geometry, group))
        head.count = has_boot_block(geometry, group) + 1 + geometry->reserved_blocks;
    head.count += ext4_group_descriptor_blocks(geometry, group);
    return head;
}

int ext4_run_compare(const void *a, const void *b)
{
    const struct ext4_run *first = a, *second = b;

    return first->start < second->start ? -1 : first->start > second->start;
}

uint32_t ext4_descriptor_blocks(const struct ext4_geometry *geometry)
{
    return (uint32_t)divide_up(geometry->groups, geometry->descriptors);
}

uint64_t ext4_meta_descriptor_block(const struct ext4_geometry *geometry, uint32_t index, int copy)
{
    uint64_t group = (uint64_t)index * geometry->descriptors +
                     (copy == 2 ? geometry->descriptors - 1 : (uint32_t)copy);

    if (group >= geometry->groups)
        return 0;
    return ext4_group_start(geometry, (uint32_t)group) + has_boot_block(geometry, (uint32_t)group) +
           ext4_group_has_super(geometry, (uint32_t)group);
}

uint64_t ext4_descriptor_block(const struct ext4_geometry *geometry, uint32_t index)
{
    return index < geometry->flat_descriptor_blocks
               ? ext4_flat_descriptors_start(geometry, 0) + index
               : ext4_meta_descriptor_block(geometry, index, 0);
}
