/*
 * Tables of groups that are there already, to other places.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "resize/fixed.h"
#include "resize/relocate.h"

/* What is read of a group before anything of it is written: old and new places may overlap. */
struct contents {
    uint8_t *inode_bitmap; /* NULL: means nothing */
    uint8_t *inode_table;
};

static void cleanup_contents(struct contents *contents)
{
    free(contents->inode_bitmap);
    free(contents->inode_table);
}

static int read_blocks(struct ext4 *ext4, uint64_t place, uint64_t count, uint8_t **ret_bytes,
                       struct error *error)
{
    uint64_t block_size = ext4->geometry.block_size;

    *ret_bytes = malloc((size_t)(count * block_size));
    if (!*ret_bytes)
        return error_set_no_memory(error);
    return disk_read(ext4->io.disk, place * block_size, *ret_bytes, (size_t)(count * block_size),
                     error);
}

static bool has_inodes(const struct ext4 *ext4, uint32_t group)
{
    return !ext4->geometry.has_group_checksums ||
           !ext2fs_bg_flags_test(ext4->fs, group, EXT2_BG_INODE_UNINIT);
}

static int read_contents(struct ext4 *ext4, uint32_t group, struct contents *contents,
                         struct error *error)
{
    if (!has_inodes(ext4, group))
        return 0;
    return read_blocks(ext4, ext2fs_inode_bitmap_loc(ext4->fs, group), 1, &contents->inode_bitmap,
                       error) ||
                   read_blocks(ext4, ext2fs_inode_table_loc(ext4->fs, group),
                               ext4->geometry.inode_table_blocks, &contents->inode_table, error)
               ? -1
               : 0;
}

/* A table without an inode that means anything reads as zeros, so that nothing is left for the
 * kernel to zero. */
static int write_contents(struct ext4 *ext4, const struct resize_tables *to,
                          const struct contents *contents, struct error *error)
{
    uint64_t block_size = ext4->geometry.block_size;
    uint64_t table_size = ext4->geometry.inode_table_blocks * block_size;

    if (contents->inode_bitmap && ext4_io_write(&ext4->io, to->inode_bitmap * block_size,
                                                contents->inode_bitmap, block_size, error))
        return -1;
    return contents->inode_table
               ? ext4_io_write(&ext4->io, to->inode_table * block_size, contents->inode_table,
                               table_size, error)
               : ext4_io_zero(&ext4->io, to->inode_table * block_size, table_size, error);
}

static int change_space(struct resize_relocating *relocating, uint32_t group,
                        const struct resize_tables *to, struct error *error)
{
    const struct resize_tables from = resize_tables_of(relocating->ext4->fs, NULL, group);
    uint32_t table_blocks = relocating->ext4->geometry.inode_table_blocks;
    const struct ext4_run left[] = {
        {from.block_bitmap, 1}, {from.inode_bitmap, 1}, {from.inode_table, table_blocks}};
    const struct ext4_run taken[] = {
        {to->block_bitmap, 1}, {to->inode_bitmap, 1}, {to->inode_table, table_blocks}};

    for (int i = 0; i < 3; i++)
        if (ext4_space_give_back(relocating->space, left[i], error))
            return -1;
    for (int i = 0; i < 3; i++)
        if (ext4_space_take(relocating->space, taken[i], error))
            return -1;
    return 0;
}

/* No inode of the group is in use: its table and bitmap are those of a new group. */
static int empty_group(struct resize_relocating *relocating, uint32_t group,
                       const struct resize_tables *to, struct error *error)
{
    struct ext4 *ext4 = relocating->ext4;
    uint64_t block_size = ext4->geometry.block_size;
    uint32_t bytes = ext4->geometry.group_inodes / 8;
    struct contents contents = {0};

    if (ext4->geometry.has_group_checksums) {
        ext2fs_bg_flags_set(ext4->fs, group, EXT2_BG_INODE_UNINIT | EXT2_BG_INODE_ZEROED);
        ext2fs_bg_itable_unused_set(ext4->fs, group, ext4->geometry.group_inodes);
    } else {
        memset(relocating->buffer, 0, bytes);
        memset(relocating->buffer + bytes, 0xff, block_size - bytes);
        if (ext4_io_write(&ext4->io, to->inode_bitmap * block_size, relocating->buffer, block_size,
                          error))
            return -1;
    }
    return write_contents(ext4, to, &contents, error);
}

static int copy_group(struct ext4 *ext4, uint32_t group, const struct resize_tables *to,
                      struct error *error)
{
    CLEANUP(cleanup_contents) struct contents contents = {0};

    return read_contents(ext4, group, &contents, error) ||
                   write_contents(ext4, to, &contents, error)
               ? -1
               : 0;
}

/* Groups that go stay as they are: others may lie where their bitmaps were. */
static int touch_run(struct resize_relocating *relocating, struct ext4_run run, struct error *error)
{
    const struct ext4_geometry *geometry = &relocating->ext4->geometry;
    uint64_t end = min_u64(run.start + run.count, relocating->end);

    if (run.start >= end)
        return 0;
    for (uint32_t group = ext4_group_of(geometry, run.start);
         group <= ext4_group_of(geometry, end - 1); group++)
        if (ext4_space_touch(relocating->space, group, error))
            return -1;
    return 0;
}

static int touch_tables(struct resize_relocating *relocating, const struct resize_tables *tables,
                        struct error *error)
{
    struct ext4_run table = {tables->inode_table, relocating->ext4->geometry.inode_table_blocks};

    return touch_run(relocating, (struct ext4_run){tables->block_bitmap, 1}, error) ||
                   touch_run(relocating, (struct ext4_run){tables->inode_bitmap, 1}, error) ||
                   touch_run(relocating, table, error)
               ? -1
               : 0;
}

/* The bitmap of a group in which nothing was written follows from where tables are: it is made up
 * before any comes or goes. */
static int touch_places(struct resize_relocating *relocating,
                        const struct resize_table_moves *moves, struct error *error)
{
    for (size_t i = 0; i < moves->count; i++) {
        const struct resize_table_move *move = &moves->list[i];
        struct resize_tables from = resize_tables_of(relocating->ext4->fs, NULL, move->group);

        if (touch_tables(relocating, &from, error) || touch_tables(relocating, &move->to, error))
            return -1;
    }
    return 0;
}

int resize_relocate_tables(struct resize_relocating *relocating,
                           const struct resize_table_moves *moves, bool in_space,
                           struct error *error)
{
    ext2_filsys fs = relocating->ext4->fs;

    if (touch_places(relocating, moves, error))
        return -1;
    for (size_t i = 0; i < moves->count; i++) {
        const struct resize_table_move *move = &moves->list[i];
        uint32_t group = move->group;
        bool goes = group >= relocating->plan->new.groups;

        if (!relocating->ext4->geometry.has_group_checksums ||
            !ext2fs_bg_flags_test(fs, group, EXT2_BG_BLOCK_UNINIT)) {
            if (ext4_space_touch(relocating->space, group, error))
                return -1;
        }
        if (in_space && change_space(relocating, group, &move->to, error))
            return -1;
        if (goes ? empty_group(relocating, group, &move->to, error)
                 : copy_group(relocating->ext4, group, &move->to, error))
            return -1;
        ext2fs_block_bitmap_loc_set(fs, group, move->to.block_bitmap);
        ext2fs_inode_bitmap_loc_set(fs, group, move->to.inode_bitmap);
        ext2fs_inode_table_loc_set(fs, group, move->to.inode_table);
        ext2fs_group_desc_csum_set(fs, group);
        ext4_space_descriptor_changed(relocating->space, group);
    }
    /* libext2fs may have kept blocks of tables that now lie elsewhere. */
    ext2fs_flush_icache(fs);
    return 0;
}
