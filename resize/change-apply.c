/*
 * The change of geometry, step by step as planned. The filesystem in memory
 * takes the new geometry first: checksums and descriptors follow from it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/bitmaps.h"
#include "ext4/descriptors.h"
#include "resize/change.h"
#include "resize/fixed.h"
#include "resize/grow-tables.h"
#include "resize/resize-inode.h"

struct apply {
    struct ext4 *ext4;
    const struct resize_plan *plan;
    uint8_t *block; /* one block of work space */
};

static uint64_t scaled_share(uint64_t part, uint64_t old_whole, uint64_t new_whole)
{
    return (uint64_t)((__uint128_t)part * new_whole / old_whole);
}

static void set_feature(uint32_t *features, uint32_t feature, bool present)
{
    *features = present ? *features | feature : *features & ~feature;
}

static void set_super(struct ext2_super_block *super, const struct resize_plan *plan, uint32_t now)
{
    const struct ext4_geometry *old = &plan->old, *new = &plan->new;

    set_feature(&super->s_feature_incompat, EXT4_FEATURE_INCOMPAT_64BIT, new->is_64bit);
    if (old->is_64bit != new->is_64bit)
        super->s_desc_size = new->is_64bit ? EXT2_MIN_DESC_SIZE_64BIT : 0;
    ext2fs_r_blocks_count_set(super,
                              scaled_share(ext2fs_r_blocks_count(super), old->blocks, new->blocks));
    ext2fs_blocks_count_set(super, new->blocks);
    super->s_inodes_count = new->groups *new->group_inodes;
    super->s_reserved_gdt_blocks = (uint16_t) new->reserved_blocks;
    super->s_wtime = now;
    if (new->backup_rule == EXT4_BACKUPS_TWO) {
        super->s_backup_bgs[0] = new->backup_groups[0];
        super->s_backup_bgs[1] = new->backup_groups[1];
    }
    set_feature(&super->s_feature_incompat, EXT2_FEATURE_INCOMPAT_META_BG, new->meta_bg);
    super->s_first_meta_bg = new->meta_bg ? new->flat_descriptor_blocks : 0;
    set_feature(&super->s_feature_compat, EXT2_FEATURE_COMPAT_RESIZE_INODE, new->has_resize_inode);
}

/* The descriptors of groups that stay, in the new form, and room for those of new ones, zeroed. */
static int resize_descriptors(ext2_filsys fs, const struct resize_plan *plan, struct error *error)
{
    uint32_t blocks = ext4_descriptor_blocks(&plan->new);
    size_t old_size = plan->old.block_size / plan->old.descriptors;
    size_t new_size = plan->new.block_size / plan->new.descriptors;
    uint32_t groups = (uint32_t)min_u64(plan->old.groups, plan->new.groups);
    uint8_t *descriptors = calloc(blocks, plan->new.block_size);

    if (!descriptors)
        return error_set_no_memory(error);
    for (uint32_t group = 0; group < groups; group++)
        memcpy(descriptors + group * new_size, (const uint8_t *)fs->group_desc + group * old_size,
               min_u64(old_size, new_size));
    ext2fs_free_mem(&fs->group_desc);
    fs->group_desc = (struct opaque_ext2_group_desc *)descriptors;
    fs->desc_blocks = blocks;
    fs->group_desc_count = plan->new.groups;
    return 0;
}

/* The descriptor of a new group, but for the count and checksum of a bitmap that is written. */
static void set_descriptor(struct apply *apply, uint32_t group)
{
    const struct resize_plan *plan = apply->plan;
    const struct resize_tables *tables = &plan->tables[group - plan->old.groups];
    ext2_filsys fs = apply->ext4->fs;

    ext2fs_block_bitmap_loc_set(fs, group, tables->block_bitmap);
    ext2fs_inode_bitmap_loc_set(fs, group, tables->inode_bitmap);
    ext2fs_inode_table_loc_set(fs, group, tables->inode_table);
    ext2fs_bg_free_inodes_count_set(fs, group, plan->new.group_inodes);
    if (plan->new.has_group_checksums) {
        /* The tables read as zeros: nothing is left for the kernel to zero. */
        ext2fs_bg_flags_set(fs, group, EXT2_BG_INODE_UNINIT | EXT2_BG_INODE_ZEROED);
        ext2fs_bg_itable_unused_set(fs, group, plan->new.group_inodes);
    }
    if (plan->uninitialised[group - plan->old.groups]) {
        ext2fs_bg_flags_set(fs, group, EXT2_BG_BLOCK_UNINIT);
        ext2fs_bg_free_blocks_count_set(
            fs, group, ext4_bitmap_implied_free(&plan->new, fs, group, apply->block));
    }
    ext2fs_group_desc_csum_set(fs, group);
}

static int write_inode_bitmap(struct apply *apply, const struct resize_step *step,
                              struct error *error)
{
    ext2_filsys fs = apply->ext4->fs;
    uint32_t bytes = apply->plan->new.group_inodes / 8;
    errcode_t code;

    memset(apply->block, 0, bytes);
    memset(apply->block + bytes, 0xff, fs->blocksize - bytes);
    code = io_channel_write_blk64(fs->io, step->place, 1, apply->block);
    return code ? ext4_set_error(error, &apply->ext4->io, code,
                                 "cannot write the inode bitmap of group %u", step->group)
                : 0;
}

/* The last group that stays becomes longer or shorter. */
static int write_last_group(struct apply *apply, uint32_t group, struct error *error)
{
    const struct ext4_geometry *old = &apply->plan->old, *new = &apply->plan->new;
    uint64_t old_blocks = ext4_group_blocks(old, group), new_blocks = ext4_group_blocks(new, group);
    struct ext4_run added = {ext4_group_start(old, group) + old_blocks, 0};
    ext2_filsys fs = apply->ext4->fs;

    if (new->has_group_checksums && ext2fs_bg_flags_test(fs, group, EXT2_BG_BLOCK_UNINIT) &&
        group != new->groups - 1) {
        ext2fs_bg_free_blocks_count_set(fs, group,
                                        ext4_bitmap_implied_free(new, fs, group, apply->block));
        ext2fs_group_desc_csum_set(fs, group);
        return 0;
    }
    added.count = new_blocks > old_blocks ? new_blocks - old_blocks : 0;
    if (ext4_bitmap_read(old, fs, group, apply->block, error))
        return -1;
    ext4_bitmap_mark(new, group, apply->block, added, false);
    return ext4_bitmap_write(new, fs, group, apply->block, error);
}

static int write_resize_inode(struct apply *apply, const struct resize_step *step,
                              struct error *error)
{
    const struct ext4_geometry *geometry = &apply->plan->new;

    if (geometry->has_resize_inode)
        return resize_inode_rebuild(apply->ext4, geometry, error);
    if (resize_inode_clear(apply->ext4, error) ||
        ext4_bitmap_read(geometry, apply->ext4->fs, step->group, apply->block, error))
        return -1;
    ext4_bitmap_mark(geometry, step->group, apply->block, (struct ext4_run){step->first, 1}, false);
    return ext4_bitmap_write(geometry, apply->ext4->fs, step->group, apply->block, error);
}

/* Clusters that heads and tables of all groups take. */
static int count_fixed(ext2_filsys fs, const struct ext4_geometry *geometry, uint64_t *ret_clusters,
                       struct error *error)
{
    CLEANUP(resize_zones_free) struct resize_zones fixed = {0};

    if (resize_fixed_collect(geometry, fs, NULL, &fixed, error))
        return -1;
    *ret_clusters = resize_fixed_blocks(&fixed, UINT64_MAX) / geometry->cluster_blocks;
    return 0;
}

/* What the superblock tells statfs to leave out. */
static int set_overhead(struct apply *apply, uint64_t fixed_before, struct error *error)
{
    struct ext2_super_block *super = apply->ext4->fs->super;
    uint64_t fixed;

    if (count_fixed(apply->ext4->fs, &apply->plan->new, &fixed, error))
        return -1;
    if (super->s_overhead_clusters != 0)
        super->s_overhead_clusters += (uint32_t)(fixed - fixed_before);
    return 0;
}

/* Descriptors of another size hold checksums of another size. */
static int renew_bitmap_checksums(struct apply *apply, struct error *error)
{
    const struct ext4_geometry *new = &apply->plan->new;
    ext2_filsys fs = apply->ext4->fs;

    for (uint32_t group = 0; group < new->groups; group++) {
        if (!ext2fs_bg_flags_test(fs, group, EXT2_BG_BLOCK_UNINIT)) {
            if (ext4_bitmap_read(new, fs, group, apply->block, error))
                return -1;
            ext2fs_block_bitmap_csum_set(fs, group, (char *)apply->block,
                                         (int)new->group_clusters / 8);
        }
        if (!ext2fs_bg_flags_test(fs, group, EXT2_BG_INODE_UNINIT)) {
            errcode_t code =
                io_channel_read_blk64(fs->io, ext2fs_inode_bitmap_loc(fs, group), 1, apply->block);

            if (code)
                return ext4_set_error(error, &apply->ext4->io, code,
                                      "cannot read the inode bitmap of group %u", group);
            ext2fs_inode_bitmap_csum_set(fs, group, (char *)apply->block,
                                         (int)new->group_inodes / 8);
        }
        ext2fs_group_desc_csum_set(fs, group);
    }
    return 0;
}

static int apply_step(struct apply *apply, const struct resize_step *step, struct error *error)
{
    const struct resize_plan *plan = apply->plan;
    ext2_filsys fs = apply->ext4->fs;
    uint64_t block_size = plan->new.block_size;

    switch (step->kind) {
    case RESIZE_ZERO:
        return disk_zero_unreferenced(apply->ext4->io.disk, step->place * block_size,
                                      step->count * block_size, error);
    case RESIZE_BLOCK_BITMAP:
        resize_make_bitmap(plan, step->group, apply->block);
        return ext4_bitmap_write(&plan->new, fs, step->group, apply->block, error);
    case RESIZE_INODE_BITMAP:
        return write_inode_bitmap(apply, step, error);
    case RESIZE_DESCRIPTORS:
        return ext4_write_descriptors(fs, step->place, step->first, (uint32_t)step->count, error);
    case RESIZE_SUPER_COPY:
        return ext4_write_super_copy(&plan->new, fs, step->group, error);
    case RESIZE_LAST_GROUP:
        return write_last_group(apply, step->group, error);
    case RESIZE_INODE:
        return write_resize_inode(apply, step, error);
    case RESIZE_SUPER:
        return ext4_write_super(fs, error);
    }
    return 0;
}

static bool writes_result(enum resize_step_kind kind)
{
    return kind == RESIZE_DESCRIPTORS || kind == RESIZE_SUPER_COPY || kind == RESIZE_SUPER;
}

/* Steps that make contents come before those that write descriptors and superblocks, which
 * hold the sums of it. */
static int apply_steps(struct apply *apply, const struct resize_steps *steps, bool results,
                       struct error *error)
{
    for (size_t i = 0; i < steps->count; i++)
        if (writes_result(steps->list[i].kind) == results &&
            apply_step(apply, &steps->list[i], error))
            return -1;
    return 0;
}

int resize_apply_change(struct ext4 *ext4, const struct resize_plan *plan, uint32_t now,
                        struct error *error)
{
    CLEANUP_FREE uint8_t *block = malloc(plan->new.block_size);
    struct apply apply = {ext4, plan, block};
    uint64_t fixed_before;

    if (!block)
        return error_set_no_memory(error);
    if (count_fixed(ext4->fs, &plan->old, &fixed_before, error) ||
        resize_descriptors(ext4->fs, plan, error))
        return -1;
    set_super(ext4->fs->super, plan, now);
    if (plan->old.is_64bit != plan->new.is_64bit && renew_bitmap_checksums(&apply, error))
        return -1;
    for (uint32_t group = plan->old.groups; group < plan->new.groups; group++)
        set_descriptor(&apply, group);
    if (apply_steps(&apply, &plan->steps, false, error))
        return -1;
    ext4_sum_free_counts(&plan->new, ext4->fs);
    if (set_overhead(&apply, fixed_before, error))
        return -1;
    return apply_steps(&apply, &plan->steps, true, error);
}

int resize_apply_copy(struct ext4 *ext4, const struct resize_plan *plan,
                      const struct resize_step *step, struct error *error)
{
    struct apply apply = {ext4, plan, NULL};

    return apply_step(&apply, step, error);
}
