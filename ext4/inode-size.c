#include "ext4/inode-check.h"
#include "ext4/inode-rules.h"

#include <inttypes.h>

#include "base/checked.h"

static int bad_size(struct error *error, uint32_t number, uint64_t size)
{
    return inode_is_damaged(error, number,
                            "its size of %" PRIu64 " bytes isn't that of the blocks it maps", size);
}

/* All blocks are there from the first to the size, and written; a few may be kept ready behind. */
static int check_directory(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                           const struct ext4_block_map *map, struct error *error)
{
    const struct ext2_super_block *super = ext4->fs->super;
    uint64_t size = EXT2_I_SIZE(inode), block_size = ext4->fs->blocksize, next = 0;

    for (size_t i = 0; i < map->count; i++) {
        if (map->mappings[i].logical != next || map->mappings[i].unwritten)
            return inode_is_damaged(error, number,
                                    "it is a directory with a hole at block %" PRIu64, next);
        next += map->mappings[i].count;
    }
    if (size % block_size != 0 || next == 0 || size / block_size > next ||
        next - size / block_size > super->s_prealloc_dir_blocks)
        return bad_size(error, number, size);
    if (next > (UINT64_C(2) << 30) / block_size && !ext2fs_has_feature_largedir(ext4->fs->super))
        return inode_is_damaged(error, number,
                                "it is a directory of more than 2 GiB without the feature "
                                "large_dir");
    return 0;
}

/* One behind the last block that holds data. */
static uint64_t written_end(const struct ext4_block_map *map)
{
    for (size_t i = map->count; i-- > 0;)
        if (!map->mappings[i].unwritten)
            return map->mappings[i].logical + map->mappings[i].count;
    return 0;
}

static uint64_t largest_size(const struct ext4 *ext4, const struct ext4_block_map *map)
{
    uint64_t block_size = ext4->fs->blocksize, pointers = block_size / 4;

    if (map->has_extents)
        return (block_size << 32) - 1;
    return (EXT2_NDIR_BLOCKS + pointers + pointers * pointers + pointers * pointers * pointers) *
           block_size;
}

/* No data lies behind the size; for a tree of one node e2fsck lets it begin right there. What fs-
 * verity keeps lies behind. */
static int check_file(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                      const struct ext4_block_map *map, struct error *error)
{
    uint64_t size = EXT2_I_SIZE(inode), block_size = ext4->fs->blocksize;
    uint64_t end = written_end(map), most = divide_up(size, block_size);

    if (map->node_count == 0 || !map->has_extents)
        most = size / block_size + 1;
    if ((end > most && !(inode->i_flags & EXT4_VERITY_FL)) || size > largest_size(ext4, map))
        return bad_size(error, number, size);
    return 0;
}

int inode_check_size(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                     const struct ext4_block_map *map, struct error *error)
{
    if (number == EXT2_BAD_INO)
        return 0;
    if (LINUX_S_ISDIR(inode->i_mode))
        return check_directory(ext4, number, inode, map, error);
    if (LINUX_S_ISLNK(inode->i_mode))
        return map->count == 1 && map->mappings[0].logical == 0 && map->mappings[0].count == 1
                   ? 0
                   : bad_size(error, number, EXT2_I_SIZE(inode));
    return check_file(ext4, number, inode, map, error);
}
