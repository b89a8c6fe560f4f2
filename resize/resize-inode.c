#include "resize/resize-inode.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "ext4/bitmaps.h"

/* What inode and blocks hold, all of it. */
struct tree {
    uint8_t *double_indirect; /* one block */
    uint8_t *reserved;        /* the primary reserved blocks, in a row */
    uint64_t reserved_start;  /* blocks */
    uint32_t backups;         /* groups with a copy */
};

static void cleanup_tree(struct tree *tree)
{
    free(tree->double_indirect);
    free(tree->reserved);
}

static int make_tree(const struct ext4_geometry *geometry, struct tree *ret_tree,
                     struct error *error)
{
    uint32_t block_size = geometry->block_size, addresses = block_size / 4;

    ret_tree->reserved_start =
        ext4_flat_descriptors_start(geometry, 0) + geometry->flat_descriptor_blocks;
    ret_tree->double_indirect = calloc(1, block_size);
    ret_tree->reserved = calloc((size_t)geometry->reserved_blocks + 1, block_size);
    if (!ret_tree->double_indirect || !ret_tree->reserved)
        return error_set_no_memory(error);
    for (uint32_t i = 0; i < geometry->reserved_blocks; i++)
        put_le32(ret_tree->double_indirect +
                     4 * (size_t)((geometry->flat_descriptor_blocks + i) % addresses),
                 (uint32_t)(ret_tree->reserved_start + i));
    for (uint32_t group = 1; group < geometry->groups; group++) {
        uint64_t distance = ext4_group_start(geometry, group) - geometry->first_block;

        if (!ext4_group_has_super(geometry, group))
            continue;
        if (ret_tree->backups == addresses)
            return error_set(error, ERROR_UNSUPPORTED,
                             "there are more copies of the descriptors than the resize inode can "
                             "list (%u)",
                             addresses);
        for (uint32_t i = 0; i < geometry->reserved_blocks; i++)
            put_le32(ret_tree->reserved + (size_t)i * block_size + 4 * (size_t)ret_tree->backups,
                     (uint32_t)(ret_tree->reserved_start + i + distance));
        ret_tree->backups++;
    }
    return 0;
}

/* The inode's i_blocks, in units of 512 bytes; whole clusters each (libext2fs: i_block.c). */
static uint64_t inode_sectors(const struct ext4_geometry *geometry, const struct tree *tree)
{
    uint64_t blocks = 1 + (uint64_t)geometry->reserved_blocks * (1 + tree->backups);

    return blocks * geometry->cluster_blocks * (geometry->block_size / 512);
}

static int damaged(struct error *error, const char *what)
{
    error_set(error, ERROR_CORRUPT, "the resize inode (7) is damaged: %s", what);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

static int library_error(struct ext4 *ext4, errcode_t code, const char *what, struct error *error)
{
    return ext4_set_error(error, &ext4->io, code, "cannot %s the resize inode", what);
}

static int read_and_compare(struct ext4 *ext4, uint64_t place, uint64_t count,
                            const uint8_t *expected, const char *what, struct error *error)
{
    CLEANUP_FREE uint8_t *found = malloc((size_t)(count + 1) * ext4->geometry.block_size);
    errcode_t code;

    if (!found)
        return error_set_no_memory(error);
    code = count ? io_channel_read_blk64(ext4->fs->io, place, (int)count, found) : 0;
    if (code)
        return library_error(ext4, code, "read the blocks of", error);
    return memcmp(found, expected, (size_t)count * ext4->geometry.block_size) == 0
               ? 0
               : damaged(error, what);
}

/* The double-indirect block is written, and may be freed: it must be in use, and nobody's table. */
static int check_double_indirect(struct ext4 *ext4, uint64_t place, struct error *error)
{
    const struct ext4_geometry *geometry = &ext4->geometry;
    CLEANUP_FREE uint8_t *bitmap = malloc(geometry->block_size);
    ext2_filsys fs = ext4->fs;
    struct ext4_run head;
    uint32_t group, free_before;

    if (place <= geometry->first_block || place >= geometry->blocks)
        return damaged(error, "its double-indirect block lies outside of the filesystem");
    group = ext4_group_of(geometry, place);
    head = ext4_group_head(geometry, group);
    if (place >= head.start && place < head.start + head.count)
        return damaged(error, "its double-indirect block lies among descriptors");
    for (uint32_t other = 0; other < geometry->groups; other++)
        if (place == ext2fs_block_bitmap_loc(fs, other) ||
            place == ext2fs_inode_bitmap_loc(fs, other) ||
            (place >= ext2fs_inode_table_loc(fs, other) &&
             place - ext2fs_inode_table_loc(fs, other) < geometry->inode_table_blocks))
            return damaged(error, "its double-indirect block is some group's table");
    if (!bitmap)
        return error_set_no_memory(error);
    if (ext4_bitmap_read(geometry, fs, group, bitmap, error))
        return -1;
    free_before = ext4_bitmap_free(geometry, group, bitmap);
    ext4_bitmap_mark(geometry, group, bitmap, (struct ext4_run){place, 1}, true);
    return ext4_bitmap_free(geometry, group, bitmap) == free_before
               ? 0
               : damaged(error, "its double-indirect block is free in the block bitmap");
}

int resize_inode_check(struct ext4 *ext4, uint64_t *ret_double_indirect, struct error *error)
{
    CLEANUP(cleanup_tree) struct tree tree = {0};
    const struct ext4_geometry *geometry = &ext4->geometry;
    struct ext2_inode inode;
    errcode_t code;
    uint32_t place;

    if (make_tree(geometry, &tree, error))
        return -1;
    code = ext2fs_read_inode(ext4->fs, EXT2_RESIZE_INO, &inode);
    if (code)
        return library_error(ext4, code, "read", error);
    place = inode.i_block[EXT2_DIND_BLOCK];
    for (int i = 0; i < EXT2_N_BLOCKS; i++)
        if (i != EXT2_DIND_BLOCK && inode.i_block[i] != 0)
            return damaged(error, "it has other blocks than its double-indirect one");
    if (check_double_indirect(ext4, place, error))
        return -1;
    if (inode.i_blocks != inode_sectors(geometry, &tree))
        return damaged(error, "its count of blocks is wrong");
    *ret_double_indirect = place;
    return read_and_compare(ext4, place, 1, tree.double_indirect,
                            "its double-indirect block names others than the reserved blocks",
                            error) ||
                   read_and_compare(ext4, tree.reserved_start, geometry->reserved_blocks,
                                    tree.reserved,
                                    "the reserved blocks list others than their copies", error)
               ? -1
               : 0;
}

uint64_t resize_inode_block(const struct ext4 *ext4)
{
    uint64_t offset = (EXT2_RESIZE_INO - 1) * (uint64_t)EXT2_INODE_SIZE(ext4->fs->super);

    return ext2fs_inode_table_loc(ext4->fs, 0) + offset / ext4->geometry.block_size;
}

int resize_inode_rebuild(struct ext4 *ext4, const struct ext4_geometry *geometry,
                         struct error *error)
{
    CLEANUP(cleanup_tree) struct tree tree = {0};
    struct ext2_inode inode;
    errcode_t code;

    if (make_tree(geometry, &tree, error))
        return -1;
    code = ext2fs_read_inode(ext4->fs, EXT2_RESIZE_INO, &inode);
    if (code == 0)
        code = io_channel_write_blk64(ext4->fs->io, inode.i_block[EXT2_DIND_BLOCK], 1,
                                      tree.double_indirect);
    if (code == 0 && geometry->reserved_blocks > 0)
        code = io_channel_write_blk64(ext4->fs->io, tree.reserved_start,
                                      (int)geometry->reserved_blocks, tree.reserved);
    inode.i_blocks = (uint32_t)inode_sectors(geometry, &tree);
    if (code == 0)
        code = ext2fs_write_inode(ext4->fs, EXT2_RESIZE_INO, &inode);
    return code ? library_error(ext4, code, "write", error) : 0;
}

int resize_inode_clear(struct ext4 *ext4, struct error *error)
{
    struct ext2_inode inode;
    errcode_t code = ext2fs_read_inode(ext4->fs, EXT2_RESIZE_INO, &inode);

    memset(&inode, 0, sizeof inode);
    if (code == 0)
        code = ext2fs_write_inode(ext4->fs, EXT2_RESIZE_INO, &inode);
    return code ? library_error(ext4, code, "write", error) : 0;
}
