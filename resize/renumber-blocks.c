/*
 * What has an inode's number in it besides directories: the checksums of its extent tree, of the
 * orphan file's blocks, and the i_mtime of a value inode that Lustre made.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "ext4/inode-table.h"
#include "image-format/disk.h"
#include "resize/renumber-parts.h"

#define EXTENT_HEADER_SIZE 12
#define EXTENT_SIZE 12
#define ORPHAN_TAIL_SIZE 8
#define ORPHAN_MAGIC UINT32_C(0x0b10ca04)

/* A node's shape stays: only the checksum behind its last place for an extent changes. */
static int reseal_node(struct renumber *renumber, const struct renumber_inode *inode,
                       uint64_t place, struct error *error)
{
    size_t block_size = renumber->ext4->geometry.block_size, size;
    uint8_t *bytes = renumber->blocks;

    if (disk_read(renumber->ext4->io.disk, place * block_size, bytes, block_size, error))
        return error_wrap(error, "cannot read the extents of inode %" PRIu32, inode->from);
    size = EXTENT_HEADER_SIZE + (size_t)get_le16(bytes + 4) * EXTENT_SIZE;
    if (size > block_size - 4)
        return renumber_damaged(error, inode->from, "a block of its extents has no checksum");
    if (get_le32(bytes + size) !=
        ext2fs_crc32c_le(renumber_seed(renumber, inode, inode->from), bytes, size))
        return renumber_damaged(error, inode->from, "a block of its extents has a wrong checksum");
    put_le32(bytes + size,
             ext2fs_crc32c_le(renumber_seed(renumber, inode, inode->to), bytes, size));
    return renumber_put(renumber, place * block_size, bytes, block_size, error);
}

/* Places of inodes that wait to be deleted, none taken; then the checksum. The block's own place
 * goes in, too. */
static int reseal_orphans(struct renumber *renumber, const struct renumber_inode *inode,
                          uint64_t place, struct error *error)
{
    size_t block_size = renumber->ext4->geometry.block_size, size = block_size - ORPHAN_TAIL_SIZE;
    uint32_t seeds[2] = {renumber_seed(renumber, inode, inode->from),
                         renumber_seed(renumber, inode, inode->to)};
    uint8_t *bytes = renumber->blocks, place_bytes[8];

    if (disk_read(renumber->ext4->io.disk, place * block_size, bytes, block_size, error))
        return error_wrap(error, "cannot read the orphan file");
    put_le64(place_bytes, place);
    for (int i = 0; i < 2; i++)
        seeds[i] = ext2fs_crc32c_le(ext2fs_crc32c_le(seeds[i], place_bytes, sizeof place_bytes),
                                    bytes, size);
    if (!bytes_are_zero(bytes, size) || get_le32(bytes + size) != ORPHAN_MAGIC ||
        get_le32(bytes + size + 4) != seeds[0])
        return renumber_damaged(error, inode->from, "a block of the orphan file is damaged");
    put_le32(bytes + size + 4, seeds[1]);
    return renumber_put(renumber, place * block_size, bytes, block_size, error);
}

static int do_orphan_file(struct renumber *renumber, const struct renumber_inode *inode,
                          struct error *error)
{
    for (size_t i = 0; i < renumber->map.count; i++)
        for (uint64_t j = 0; j < renumber->map.mappings[i].count; j++)
            if (reseal_orphans(renumber, inode, renumber->map.mappings[i].start + j, error))
                return -1;
    return 0;
}

int renumber_own_blocks(struct renumber *renumber, struct renumber_inode *inode,
                        struct error *error)
{
    ext2_filsys fs = renumber->ext4->fs;
    struct ext4_block_map *map = &renumber->map;

    if (inode->to == inode->from || !ext4_inode_maps_blocks(fs, inode->inode))
        return 0;
    if (ext4_block_map_read(renumber->ext4, inode->from, inode->inode, map, error))
        return -1;
    if (!ext2fs_has_feature_metadata_csum(fs->super))
        return 0;
    for (size_t i = 0; map->has_extents && i < map->node_count; i++)
        if (reseal_node(renumber, inode, map->nodes[i], error))
            return -1;
    return ext2fs_has_feature_orphan_file(fs->super) && inode->from == fs->super->s_orphan_file_inum
               ? do_orphan_file(renumber, inode, error)
               : 0;
}

static int compare_value(const void *key, const void *item)
{
    uint32_t a = *(const uint32_t *)key;
    uint32_t b = ((const struct renumber_back_reference *)item)->value;

    return a < b ? -1 : a > b;
}

void renumber_back_reference(struct renumber *renumber, struct renumber_inode *inode)
{
    const struct renumber_back_reference *found =
        !renumber->writing || renumber->back_reference_count == 0
            ? NULL
            : bsearch(&inode->from, renumber->back_references, renumber->back_reference_count,
                      sizeof *found, compare_value);

    if (!found)
        return;
    inode->inode->i_mtime = found->parent;
    inode->rewritten = true;
}
