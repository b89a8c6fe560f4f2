/*
 * Growing, step by step as planned. The filesystem in memory takes the new
 * geometry first: checksums and descriptors follow from it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/bitmaps.h"
#include "ext4/descriptors.h"
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

static void set_super(struct ext2_super_block *super, const struct resize_plan *plan, uint32_t now)
{
    const struct ext4_geometry *old = &plan->old, *grown = &plan->new;

    ext2fs_r_blocks_count_set(
        super, scaled_share(ext2fs_r_blocks_count(super), old->blocks, grown->blocks));
    ext2fs_blocks_count_set(super, grown->blocks);
    super->s_inodes_count = grown->groups * grown->group_inodes;
    super->s_reserved_gdt_blocks = (uint16_t)grown->reserved_blocks;
    super->s_wtime = now;
    if (grown->backup_rule == EXT4_BACKUPS_TWO) {
        super->s_backup_bgs[0] = grown->backup_groups[0];
        super->s_backup_bgs[1] = grown->backup_groups[1];
    }
    if (grown->meta_bg && !old->meta_bg) {
        super->s_feature_incompat |= EXT2_FEATURE_INCOMPAT_META_BG;
        super->s_first_meta_bg = grown->flat_descriptor_blocks;
    }
    if (!grown->has_resize_inode)
        super->s_feature_compat &= ~(uint32_t)EXT2_FEATURE_COMPAT_RESIZE_INODE;
}

/* Room for the new descriptors, zeroed. */
static int enlarge_descriptors(ext2_filsys fs, const struct resize_plan *plan, struct error *error)
{
    uint32_t blocks = ext4_descriptor_blocks(&plan->new);
    uint32_t descriptor_size = plan->new.block_size / plan->new.descriptors;
    size_t used = (size_t)plan->old.groups * descriptor_size;
    size_t size = (size_t)blocks * plan->new.block_size;

    if (ext2fs_resize_mem((unsigned long)used, (unsigned long)size, &fs->group_desc))
        return error_set_no_memory(error);
    memset((uint8_t *)fs->group_desc + used, 0, size - used);
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

/* Marks the tables of any group that lie in this one as used. */
static void mark_all_tables(struct apply *apply, uint32_t group, uint8_t *bitmap)
{
    const struct ext4_geometry *geometry = &apply->plan->new;
    ext2_filsys fs = apply->ext4->fs;

    for (uint32_t other = 0; other < apply->plan->old.groups; other++) {
        ext4_bitmap_mark(geometry, group, bitmap,
                         (struct ext4_run){ext2fs_block_bitmap_loc(fs, other), 1}, true);
        ext4_bitmap_mark(geometry, group, bitmap,
                         (struct ext4_run){ext2fs_inode_bitmap_loc(fs, other), 1}, true);
        ext4_bitmap_mark(
            geometry, group, bitmap,
            (struct ext4_run){ext2fs_inode_table_loc(fs, other), geometry->inode_table_blocks},
            true);
    }
}

/* What was the last group becomes longer, and may lose a copy of the superblock (sparse_super2). */
static int write_old_last(struct apply *apply, uint32_t group, struct error *error)
{
    const struct ext4_geometry *old = &apply->plan->old, *grown = &apply->plan->new;
    uint64_t old_end = ext4_group_start(old, group) + ext4_group_blocks(old, group);
    struct ext4_run added = {old_end,
                             ext4_group_blocks(grown, group) - ext4_group_blocks(old, group)};
    struct ext4_run head = ext4_group_head(old, group);
    ext2_filsys fs = apply->ext4->fs;

    if (grown->has_group_checksums && ext2fs_bg_flags_test(fs, group, EXT2_BG_BLOCK_UNINIT)) {
        ext2fs_bg_free_blocks_count_set(fs, group,
                                        ext4_bitmap_implied_free(grown, fs, group, apply->block));
        ext2fs_group_desc_csum_set(fs, group);
        return 0;
    }
    if (ext4_bitmap_read(old, fs, group, apply->block, error))
        return -1;
    ext4_bitmap_mark(grown, group, apply->block, added, false);
    if (head.count > ext4_group_head(grown, group).count) {
        ext4_bitmap_mark(grown, group, apply->block, head, false);
        ext4_bitmap_mark(grown, group, apply->block, ext4_group_head(grown, group), true);
        mark_all_tables(apply, group, apply->block);
    }
    return ext4_bitmap_write(grown, fs, group, apply->block, error);
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

/* Sums of the descriptors: the superblock's own counts may lag behind on any filesystem. */
static void set_free_counts(struct apply *apply)
{
    const struct resize_plan *plan = apply->plan;
    ext2_filsys fs = apply->ext4->fs;
    uint64_t clusters = 0;
    uint32_t inodes = 0;

    for (uint32_t group = 0; group < plan->new.groups; group++) {
        clusters += ext2fs_bg_free_blocks_count(fs, group);
        inodes += ext2fs_bg_free_inodes_count(fs, group);
    }
    fs->super->s_free_inodes_count = inodes;
    ext2fs_free_blocks_count_set(fs->super, clusters * plan->new.cluster_blocks);
}

/* Metadata in new groups is all that they have in use; a head that was given up is no longer. */
static void set_overhead(struct apply *apply, uint64_t free_before)
{
    const struct resize_plan *plan = apply->plan;
    struct ext2_super_block *super = apply->ext4->fs->super;
    uint64_t added = (plan->new.blocks - plan->old.blocks) / plan->new.cluster_blocks;
    uint64_t free_after = ext2fs_free_blocks_count(super) / plan->new.cluster_blocks;

    if (super->s_overhead_clusters != 0)
        super->s_overhead_clusters += (uint32_t)(added - (free_after - free_before));
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
    case RESIZE_OLD_LAST:
        return write_old_last(apply, step->group, error);
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

int resize_apply(struct ext4 *ext4, const struct resize_plan *plan, uint32_t now,
                 struct error *error)
{
    CLEANUP_FREE uint8_t *block = malloc(plan->new.block_size);
    struct apply apply = {ext4, plan, block};
    uint64_t free_before = 0;

    if (!block)
        return error_set_no_memory(error);
    for (uint32_t group = 0; group < plan->old.groups; group++)
        free_before += ext2fs_bg_free_blocks_count(ext4->fs, group);
    if (enlarge_descriptors(ext4->fs, plan, error))
        return -1;
    set_super(ext4->fs->super, plan, now);
    for (uint32_t group = plan->old.groups; group < plan->new.groups; group++)
        set_descriptor(&apply, group);
    if (apply_steps(&apply, &plan->steps, false, error))
        return -1;
    set_free_counts(&apply);
    set_overhead(&apply, free_before);
    return apply_steps(&apply, &plan->steps, true, error);
}

int resize_apply_copies(struct ext4 *ext4, const struct resize_plan *plan, struct error *error)
{
    struct apply apply = {ext4, plan, NULL};

    /* A copy is none of the filesystem's state: it goes in place (disk.h, D2). */
    ext4->io.committed_size = 0;
    return apply_steps(&apply, &plan->copies, true, error);
}
