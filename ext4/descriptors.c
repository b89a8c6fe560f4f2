#include "ext4/descriptors.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ext4/io.h"

static int refuse(struct error *error, uint32_t group, const char *what, uint64_t value)
{
    error_set(error, ERROR_CORRUPT, "the descriptor of group %u has %s %llu", group, what,
              (unsigned long long)value);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

/* The tables of a group that is allowed to have them anywhere lie in the filesystem; the others'
 * in the group. */
static bool lies_well(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                      uint64_t start, uint64_t count)
{
    uint64_t low = geometry->first_block, high = geometry->blocks;

    if (!ext2fs_has_feature_flex_bg(fs->super)) {
        low = ext4_group_start(geometry, group);
        high = low + ext4_group_blocks(geometry, group);
    }
    return start > geometry->first_block && start >= low && start < high && count <= high - start;
}

static int check_places(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                        struct error *error)
{
    uint64_t block_bitmap = ext2fs_block_bitmap_loc(fs, group);
    uint64_t inode_bitmap = ext2fs_inode_bitmap_loc(fs, group);
    uint64_t inode_table = ext2fs_inode_table_loc(fs, group);

    if (!lies_well(geometry, fs, group, block_bitmap, 1))
        return refuse(error, group, "its block bitmap outside of its place, at block",
                      block_bitmap);
    if (!lies_well(geometry, fs, group, inode_bitmap, 1) || inode_bitmap == block_bitmap)
        return refuse(error, group, "its inode bitmap outside of its place, at block",
                      inode_bitmap);
    if (!lies_well(geometry, fs, group, inode_table, geometry->inode_table_blocks))
        return refuse(error, group, "its inode table outside of its place, at block", inode_table);
    return 0;
}

static int check_counts(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                        struct error *error)
{
    if (ext2fs_bg_free_blocks_count(fs, group) > ext4_group_clusters(geometry, group))
        return refuse(error, group,
                      "more free clusters than it has:", ext2fs_bg_free_blocks_count(fs, group));
    if (ext2fs_bg_free_inodes_count(fs, group) > geometry->group_inodes)
        return refuse(error, group,
                      "more free inodes than it has:", ext2fs_bg_free_inodes_count(fs, group));
    if (geometry->has_group_checksums &&
        ext2fs_bg_itable_unused(fs, group) > geometry->group_inodes)
        return refuse(error, group,
                      "more unused inodes than it has:", ext2fs_bg_itable_unused(fs, group));
    return 0;
}

/* No two tables share a block, and none lies in a group's head. */
static int check_overlaps(const struct ext4_geometry *geometry, ext2_filsys fs, struct error *error)
{
    CLEANUP_FREE struct ext4_run *runs = calloc((size_t)geometry->groups * 4, sizeof *runs);
    size_t count = 0;

    if (!runs)
        return error_set_no_memory(error);
    for (uint32_t group = 0; group < geometry->groups; group++) {
        struct ext4_run head = ext4_group_head(geometry, group);

        runs[count++] = (struct ext4_run){ext2fs_block_bitmap_loc(fs, group), 1};
        runs[count++] = (struct ext4_run){ext2fs_inode_bitmap_loc(fs, group), 1};
        runs[count++] =
            (struct ext4_run){ext2fs_inode_table_loc(fs, group), geometry->inode_table_blocks};
        if (head.count > 0)
            runs[count++] = head;
    }
    qsort(runs, count, sizeof *runs, ext4_run_compare);
    for (size_t i = 1; i < count; i++)
        if (runs[i - 1].start + runs[i - 1].count > runs[i].start)
            return refuse(error, ext4_group_of(geometry, runs[i].start),
                          "a table on another, or on its descriptors, at block", runs[i].start);
    return 0;
}

int ext4_descriptors_check(const struct ext4_geometry *geometry, ext2_filsys fs,
                           struct error *error)
{
    for (uint32_t group = 0; group < geometry->groups; group++) {
        if (geometry->has_group_checksums && !ext2fs_group_desc_csum_verify(fs, group))
            return refuse(error, group, "a wrong checksum:", ext2fs_bg_checksum(fs, group));
        if (check_places(geometry, fs, group, error) || check_counts(geometry, fs, group, error))
            return -1;
    }
    return check_overlaps(geometry, fs, error);
}

void ext4_sum_free_counts(const struct ext4_geometry *geometry, ext2_filsys fs)
{
    uint64_t clusters = 0;
    uint32_t inodes = 0;

    for (uint32_t group = 0; group < geometry->groups; group++) {
        clusters += ext2fs_bg_free_blocks_count(fs, group);
        inodes += ext2fs_bg_free_inodes_count(fs, group);
    }
    ext2fs_free_blocks_count_set(fs->super, clusters * geometry->cluster_blocks);
    fs->super->s_free_inodes_count = inodes;
}

static int write_failed(struct error *error, ext2_filsys fs, errcode_t code, const char *what)
{
    return ext4_set_error(error, fs->priv_data, code, "cannot write %s", what);
}

int ext4_write_super(ext2_filsys fs, struct error *error)
{
    errcode_t code;

    fs->super->s_block_group_nr = 0;
    code = ext2fs_superblock_csum_set(fs, fs->super);
    if (code == 0)
        code = io_channel_write_byte(fs->io, SUPERBLOCK_OFFSET, SUPERBLOCK_SIZE, fs->super);
    return code ? write_failed(error, fs, code, "the superblock") : 0;
}

int ext4_write_super_copy(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                          struct error *error)
{
    struct ext2_super_block super = *fs->super;
    errcode_t code;

    super.s_block_group_nr = (uint16_t)group;
    code = ext2fs_superblock_csum_set(fs, &super);
    /* A negative count is one of bytes. */
    if (code == 0)
        code = io_channel_write_blk64(fs->io, ext4_group_start(geometry, group),
                                      -(int)SUPERBLOCK_SIZE, &super);
    return code ? write_failed(error, fs, code, "a copy of the superblock") : 0;
}

int ext4_write_descriptors(ext2_filsys fs, uint64_t place, uint32_t first, uint32_t count,
                           struct error *error)
{
    const uint8_t *bytes = (const uint8_t *)fs->group_desc + (size_t)first * fs->blocksize;
    errcode_t code = count ? io_channel_write_blk64(fs->io, place, (int)count, bytes) : 0;

    return code ? write_failed(error, fs, code, "group descriptors") : 0;
}
