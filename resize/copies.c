#include "resize/copies.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/descriptors.h"
#include "resize/change.h"

/* e2fsck takes back what is reserved without the feature in the first superblock alone. */
static bool has_same_geometry(struct ext2_super_block *super, struct ext2_super_block *copy)
{
    const uint32_t incompat = EXT4_FEATURE_INCOMPAT_64BIT | EXT2_FEATURE_INCOMPAT_META_BG;

    return copy->s_magic == super->s_magic &&
           ext2fs_blocks_count(copy) == ext2fs_blocks_count(super) &&
           copy->s_inodes_count == super->s_inodes_count &&
           copy->s_desc_size == super->s_desc_size &&
           (!ext2fs_has_feature_resize_inode(super) ||
            copy->s_reserved_gdt_blocks == super->s_reserved_gdt_blocks) &&
           copy->s_first_meta_bg == super->s_first_meta_bg &&
           copy->s_backup_bgs[0] == super->s_backup_bgs[0] &&
           copy->s_backup_bgs[1] == super->s_backup_bgs[1] &&
           ((copy->s_feature_incompat ^ super->s_feature_incompat) & incompat) == 0;
}

/* What can't be read has to be written anew, too. */
static bool is_stale_super(struct ext4 *ext4, uint32_t group)
{
    struct ext2_super_block copy;

    /* A negative count is one of bytes. */
    return io_channel_read_blk64(ext4->fs->io, ext4_group_start(&ext4->geometry, group),
                                 -(int)SUPERBLOCK_SIZE, &copy) ||
           !has_same_geometry(ext4->fs->super, &copy) ||
           !ext2fs_superblock_csum_verify(ext4->fs, &copy);
}

/* A copy of descriptor block index. Counts, flags and checksums lag behind on any filesystem; where
 * the tables lie may not. */
static bool is_stale_descriptors(struct ext4 *ext4, uint32_t index, uint64_t place, uint8_t *copy)
{
    const struct ext4_geometry *geometry = &ext4->geometry;
    /* The places of the three tables come first, and so do their high halves in the second half. */
    const size_t places = offsetof(struct ext4_group_desc, bg_free_blocks_count);
    const size_t high = offsetof(struct ext4_group_desc, bg_block_bitmap_hi);
    size_t size = geometry->block_size / geometry->descriptors;
    const uint8_t *first =
        (const uint8_t *)ext4->fs->group_desc + (size_t)index * geometry->block_size;
    uint32_t count =
        (uint32_t)min_u64(geometry->descriptors, geometry->groups - index * geometry->descriptors);

    if (io_channel_read_blk64(ext4->fs->io, place, 1, copy))
        return true;
    for (size_t at = 0; at < count * size; at += size)
        if (memcmp(copy + at, first + at, places) != 0 ||
            (geometry->is_64bit && memcmp(copy + at + high, first + at + high, places) != 0))
            return true;
    return false;
}

/* The first group that has copies in its head; 0: none has. */
static uint32_t first_copy_group(const struct ext4_geometry *geometry)
{
    for (uint32_t group = 1; group < geometry->groups; group++)
        if (ext4_group_has_super(geometry, group))
            return group;
    return 0;
}

/* Where the first copy of descriptor block index is; 0: there is none. */
static uint64_t first_copy_place(const struct ext4_geometry *geometry, uint32_t first_group,
                                 uint32_t index)
{
    if (geometry->meta_bg && index >= geometry->flat_descriptor_blocks)
        return ext4_meta_descriptor_block(geometry, index, 1);
    if (first_group == 0 || (geometry->meta_bg && first_group >= geometry->first_meta_group))
        return 0;
    return ext4_flat_descriptors_start(geometry, first_group) + index;
}

/* The first copy of each stands for the others: it is written last. */
static bool are_stale_descriptors(struct ext4 *ext4, uint32_t first_group, uint8_t *copy)
{
    uint32_t blocks = ext4_descriptor_blocks(&ext4->geometry);

    for (uint32_t i = 0; i < blocks; i++) {
        uint64_t place = first_copy_place(&ext4->geometry, first_group, i);

        if (place != 0 && is_stale_descriptors(ext4, i, place, copy))
            return true;
    }
    return false;
}

int resize_copies_are_stale(struct ext4 *ext4, bool *ret_stale, struct error *error)
{
    const struct ext4_geometry *geometry = &ext4->geometry;
    CLEANUP_FREE uint8_t *block = malloc(geometry->block_size);
    uint32_t first_group = first_copy_group(geometry);
    bool stale = false;

    if (!block)
        return error_set_no_memory(error);
    for (uint32_t group = first_group; group != 0 && group < geometry->groups && !stale; group++)
        stale = ext4_group_has_super(geometry, group) && is_stale_super(ext4, group);
    *ret_stale = stale || are_stale_descriptors(ext4, first_group, block);
    return 0;
}

/* In this order: as long as something is left to write, the next run finds a stale superblock or a
 * stale first copy of descriptors. */
enum pass { OTHER_DESCRIPTORS, FIRST_DESCRIPTORS, SUPERBLOCKS };

static enum pass pass_of(const struct resize_step *step, const struct ext4_geometry *geometry,
                         uint32_t first_group)
{
    if (step->kind == RESIZE_SUPER_COPY)
        return SUPERBLOCKS;
    return step->place == first_copy_place(geometry, first_group, step->first) ? FIRST_DESCRIPTORS
                                                                               : OTHER_DESCRIPTORS;
}

static int write_pass(struct ext4 *ext4, const struct resize_plan *plan, enum pass pass,
                      struct error *error)
{
    uint32_t first_group = first_copy_group(&plan->new);

    for (size_t i = 0; i < plan->copies.count; i++) {
        const struct resize_step *step = &plan->copies.list[i];

        if (pass_of(step, &plan->new, first_group) == pass &&
            resize_apply_copy(ext4, plan, step, error))
            return -1;
    }
    return 0;
}

/* In place: a copy is none of the filesystem's state (disk.h, D2). */
static int commit_pass(struct disk *disk, struct ext4 *ext4, const struct resize_plan *plan,
                       enum pass pass, struct error *error)
{
    uint64_t committed_size = ext4->io.committed_size;
    int result;

    if (disk_begin(disk, error))
        return -1;
    ext4->io.committed_size = 0;
    result = write_pass(ext4, plan, pass, error);
    ext4->io.committed_size = committed_size;
    if (result || disk_commit(disk, error)) {
        disk_abort(disk);
        return -1;
    }
    return 0;
}

int resize_copies_write(struct disk *disk, struct ext4 *ext4, const struct resize_plan *plan,
                        struct error *error)
{
    for (enum pass pass = OTHER_DESCRIPTORS; pass <= SUPERBLOCKS; pass++)
        if (commit_pass(disk, ext4, plan, pass, error))
            return -1;
    return 0;
}

int resize_copies_renew(struct disk *disk, struct ext4 *ext4, struct error *error)
{
    CLEANUP(resize_plan_free) struct resize_plan plan = {0};

    return resize_plan_copies(ext4, &plan, error) || resize_copies_write(disk, ext4, &plan, error)
               ? -1
               : 0;
}
