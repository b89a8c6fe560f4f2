#include "ext4/block-map.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/extent-tree.h"
#include "ext4/indirect-blocks.h"
#include "ext4/inode-check.h"
#include "ext4/inode-rules.h"
#include "ext4/inode-table.h"

bool ext4_inode_maps_blocks(ext2_filsys fs, const struct ext2_inode_large *inode)
{
    (void)fs;
    if (inode->i_flags & EXT4_INLINE_DATA_FL)
        return false;
    /* What fits into i_block is there. */
    if (LINUX_S_ISLNK(inode->i_mode))
        return EXT2_I_SIZE(inode) >= sizeof inode->i_block;
    return LINUX_S_ISREG(inode->i_mode) || LINUX_S_ISDIR(inode->i_mode);
}

int ext4_block_map_append(struct ext4_block_map *map, struct ext4_mapping mapping,
                          struct error *error)
{
    struct ext4_mapping *last = map->count ? &map->mappings[map->count - 1] : NULL, *mappings;

    if (last && last->logical + last->count == mapping.logical &&
        last->start + last->count == mapping.start && last->unwritten == mapping.unwritten) {
        last->count += mapping.count;
        return 0;
    }
    mappings = array_make_room(map->mappings, map->count, &map->capacity, sizeof *mappings, error);
    if (!mappings)
        return -1;
    map->mappings = mappings;
    map->mappings[map->count++] = mapping;
    return 0;
}

int ext4_block_map_add_node(struct ext4_block_map *map, uint64_t block, struct error *error)
{
    uint64_t *nodes =
        array_make_room(map->nodes, map->node_count, &map->node_capacity, sizeof *nodes, error);

    if (!nodes)
        return -1;
    map->nodes = nodes;
    map->nodes[map->node_count++] = block;
    return 0;
}

void ext4_block_map_free(struct ext4_block_map *map)
{
    free(map->mappings);
    free(map->nodes);
    *map = (struct ext4_block_map){0};
}

/* Clusters that the mappings lie in; where two neighbours share one, it is one. A cluster of the
 * file is one of the filesystem, with each block in its place. */
static int count_clusters(const struct ext4 *ext4, uint32_t number,
                          const struct ext4_block_map *map, uint64_t *ret_clusters,
                          struct error *error)
{
    uint64_t size = ext4->geometry.cluster_blocks, clusters = 0;
    uint64_t last_logical = UINT64_MAX, last_cluster = UINT64_MAX;

    for (size_t i = 0; i < map->count; i++) {
        const struct ext4_mapping *mapping = &map->mappings[i];
        uint64_t first = mapping->start / size, first_logical = mapping->logical / size;
        bool is_shared = first_logical == last_logical;

        if (mapping->logical % size != mapping->start % size ||
            (size > 1 && is_shared != (first == last_cluster)))
            return inode_is_damaged(error, number,
                                    "block %" PRIu64 " isn't in its place in a cluster, at "
                                    "%" PRIu64,
                                    mapping->logical, mapping->start);
        last_logical = (mapping->logical + mapping->count - 1) / size;
        last_cluster = (mapping->start + mapping->count - 1) / size;
        clusters += last_cluster + 1 - first - (is_shared && size > 1);
    }
    *ret_clusters = clusters;
    return 0;
}

/* i_blocks counts whole clusters, in units of 512 bytes or, where HUGE_FILE is set, of blocks. */
int inode_check_block_count(const struct ext4 *ext4, uint32_t number,
                            const struct ext2_inode_large *inode, const struct ext4_block_map *map,
                            uint64_t charged, bool is_exact, struct error *error)
{
    bool has_huge_files = ext2fs_has_feature_huge_file(ext4->fs->super);
    uint64_t found = inode->i_blocks, expected = 0;

    if (count_clusters(ext4, number, map, &expected, error))
        return -1;
    if (has_huge_files)
        found |= (uint64_t)inode->osd2.linux2.l_i_blocks_hi << 32;
    expected += map->node_count + charged;
    expected += ext2fs_file_acl_block(ext4->fs, (const struct ext2_inode *)inode) != 0;
    expected *= ext4->geometry.cluster_blocks;
    if (!has_huge_files || !(inode->i_flags & EXT4_HUGE_FILE_FL))
        expected *= ext4->geometry.block_size / 512;
    if (found == expected || (found > expected && !is_exact))
        return 0;
    return inode_is_damaged(error, number,
                            "it claims i_blocks of %" PRIu64 " (%" PRIu64 " were found)", found,
                            expected);
}

int ext4_block_map_read(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                        struct ext4_block_map *map, struct error *error)
{
    map->count = 0;
    map->node_count = 0;
    map->has_extents = inode->i_flags & EXT4_EXTENTS_FL;
    if (map->has_extents ? extent_tree_read(ext4, number, inode, map, error)
                         : indirect_blocks_read(ext4, number, inode, map, error))
        return -1;
    /* The list of bad blocks maps them in no order, and counts as it likes. */
    if (number == EXT2_BAD_INO)
        return 0;
    return inode_check_block_count(ext4, number, inode, map, 0,
                                   !ext2fs_has_feature_ea_inode(ext4->fs->super), error);
}

int ext4_block_map_of(struct ext4 *ext4, uint32_t number, struct ext4_block_map *map,
                      struct error *error)
{
    CLEANUP_FREE struct ext2_inode_large *inode = calloc(1, EXT4_INODE_BYTES(ext4));
    errcode_t code;

    if (!inode)
        return error_set_no_memory(error);
    code = ext2fs_read_inode_full(ext4->fs, number, (struct ext2_inode *)inode,
                                  (int)EXT2_INODE_SIZE(ext4->fs->super));
    if (code)
        return ext4_set_error(error, &ext4->io, code, "cannot read inode %" PRIu32, number);
    map->count = 0;
    map->node_count = 0;
    return inode_has_map(ext4->fs, number, inode)
               ? ext4_block_map_read(ext4, number, inode, map, error)
               : 0;
}

size_t ext4_block_map_nodes_needed(const struct ext4 *ext4, const struct ext4_block_map *map)
{
    return map->has_extents ? extent_tree_nodes_needed(ext4, map)
                            : indirect_blocks_nodes_needed(ext4, map);
}

int ext4_block_map_write(struct ext4 *ext4, uint32_t number, struct ext2_inode_large *inode,
                         struct ext4_block_map *map, struct error *error)
{
    size_t needed = ext4_block_map_nodes_needed(ext4, map);

    if (map->node_count < needed)
        return error_set(error, ERROR_UNSUPPORTED,
                         "inode %" PRIu32 ": its tree takes %zu blocks (%zu were given)", number,
                         needed, map->node_count);
    if (map->has_extents ? extent_tree_write(ext4, number, inode, map, error)
                         : indirect_blocks_write(ext4, inode, map, error))
        return -1;
    map->node_count = needed;
    return 0;
}
