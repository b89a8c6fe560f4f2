#include "resize/relocation-parts.h"

#include <stdlib.h>

#include "base/checked.h"
#include "ext4/inode-rules.h"

void resize_relocation_free(struct resize_relocation *relocation)
{
    free(relocation->moves);
    free(relocation->inodes);
    free(relocation->xattr_inodes.list);
    free(relocation->nodes);
    free(relocation->dropped);
    *relocation = (struct resize_relocation){0};
}

/* The first move that ends behind block. */
static size_t find_move(const struct resize_relocation *relocation, uint64_t block)
{
    size_t low = 0, high = relocation->move_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct resize_move *move = &relocation->moves[middle];

        if (move->from + move->count > block)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool resize_relocation_meet(const struct resize_relocation *relocation, struct ext4_run run,
                            struct ext4_run *ret_part, uint64_t *ret_to)
{
    size_t i = find_move(relocation, run.start);
    const struct resize_move *move = &relocation->moves[i];

    if (run.count == 0 || i == relocation->move_count || move->from >= run.start + run.count)
        return false;
    ret_part->start = max_u64(move->from, run.start);
    ret_part->count = min_u64(move->from + move->count, run.start + run.count) - ret_part->start;
    *ret_to = move->to + (ret_part->start - move->from);
    return true;
}

uint64_t resize_relocation_of(const struct resize_relocation *relocation, uint64_t block)
{
    struct ext4_run part;
    uint64_t to;

    return resize_relocation_meet(relocation, (struct ext4_run){block, 1}, &part, &to) ? to : block;
}

bool resize_relocation_drops(const struct resize_relocation *relocation, uint64_t node)
{
    size_t low = 0, high = relocation->dropped_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (relocation->dropped[middle] == node)
            return true;
        if (relocation->dropped[middle] > node)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

uint64_t resize_relocation_saved(const struct resize_relocation *relocation,
                                 const struct ext4_geometry *geometry)
{
    uint64_t nodes = relocation->dropped_count > relocation->node_count
                         ? relocation->dropped_count - relocation->node_count
                         : 0;

    return nodes * geometry->cluster_blocks + relocation->unlisted;
}

static int remap_mapping(const struct resize_relocation *relocation, struct ext4_mapping mapping,
                         struct ext4_block_map *map, struct error *error)
{
    while (mapping.count > 0) {
        struct ext4_mapping piece = mapping;
        struct ext4_run part;
        uint64_t to;

        if (resize_relocation_meet(relocation, (struct ext4_run){mapping.start, mapping.count},
                                   &part, &to)) {
            piece.count = part.start > mapping.start ? part.start - mapping.start : part.count;
            piece.start = part.start > mapping.start ? mapping.start : to;
        }
        if (ext4_block_map_append(map, piece, error))
            return -1;
        mapping.logical += piece.count;
        mapping.start += piece.count;
        mapping.count -= piece.count;
    }
    return 0;
}

int resize_relocation_remap_data(const struct resize_relocation *relocation,
                                 const struct ext4_block_map *map, struct ext4_block_map *ret_map,
                                 struct error *error)
{
    ret_map->count = 0;
    ret_map->node_count = 0;
    ret_map->has_extents = map->has_extents;
    for (size_t i = 0; i < map->count; i++)
        if (remap_mapping(relocation, map->mappings[i], ret_map, error))
            return -1;
    return 0;
}

int resize_relocation_remap(const struct resize_relocation *relocation,
                            const struct ext4_block_map *map, struct ext4_block_map *ret_map,
                            struct error *error)
{
    if (resize_relocation_remap_data(relocation, map, ret_map, error))
        return -1;
    for (size_t i = 0; i < map->node_count; i++)
        if (!resize_relocation_drops(relocation, map->nodes[i]) &&
            ext4_block_map_add_node(ret_map, map->nodes[i], error))
            return -1;
    return 0;
}

uint64_t resize_mapping_contents(const struct ext4 *ext4, uint32_t number,
                                 const struct ext4_mapping *mapping)
{
    const struct ext2_super_block *super = ext4->fs->super;
    bool is_journal = super->s_feature_compat & EXT3_FEATURE_COMPAT_HAS_JOURNAL &&
                      number == super->s_journal_inum;

    if (mapping->unwritten || (is_journal && mapping->logical > 0))
        return 0;
    return is_journal ? 1 : mapping->count;
}

/* Leaves out what lies behind the end. */
static void cut_mappings(struct ext4_block_map *map, uint64_t end)
{
    size_t kept = 0;

    for (size_t i = 0; i < map->count; i++) {
        struct ext4_mapping mapping = map->mappings[i];

        if (mapping.start >= end)
            continue;
        mapping.count = min_u64(mapping.count, end - mapping.start);
        map->mappings[kept++] = mapping;
    }
    map->count = kept;
}

int resize_relocation_read(const struct resize_relocation *relocation, struct ext4 *ext4,
                           uint32_t number, struct ext2_inode_large *inode,
                           struct ext4_block_map *map, struct error *error)
{
    errcode_t code = ext2fs_read_inode_full(ext4->fs, number, (struct ext2_inode *)inode,
                                            (int)EXT2_INODE_SIZE(ext4->fs->super));

    if (code)
        return ext4_set_error(error, &ext4->io, code, "cannot read inode %u", number);
    map->count = 0;
    map->node_count = 0;
    if (!inode_has_map(ext4->fs, number, inode))
        return 0;
    if (ext4_block_map_read(ext4, number, inode, map, error))
        return -1;
    if (number == EXT2_BAD_INO)
        cut_mappings(map, relocation->end);
    return 0;
}
