#include "ext4/extent-tree.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "ext4/inode-check.h"

/* A walk through a tree, in the order of its entries. Since these must ascend, and each index must
 * be what its node begins with, no node can be met twice. */
struct walk {
    struct ext4 *ext4;
    struct ext4_block_map *map;
    uint32_t number, generation; /* of the inode */
    uint64_t next_logical;       /* no extent may begin before */
    uint8_t *blocks;             /* one for each depth below the root's */
};

uint32_t extent_node_checksum(ext2_filsys fs, uint32_t number, uint32_t generation,
                              const uint8_t *node, uint32_t capacity)
{
    uint8_t who[8];
    uint32_t crc;

    put_le32(who, number);
    put_le32(who + 4, generation);
    crc = ext2fs_crc32c_le(fs->csum_seed, who, sizeof who);
    return ext2fs_crc32c_le(crc, node, EXTENT_ENTRY_SIZE + EXTENT_ENTRY_SIZE * (size_t)capacity);
}

/* Two entries less than there is room for are in order, too: e2fsck allows for it. */
static int decode_header(const uint8_t *node, uint32_t node_size, uint32_t number,
                         struct extent_header *ret_header, struct error *error)
{
    uint32_t capacity = extent_node_capacity(node_size);
    struct extent_header header = {
        .entries = get_le16(node + 2),
        .max = get_le16(node + 4),
        .depth = get_le16(node + 6),
    };

    if (get_le16(node) != EXTENT_MAGIC)
        return inode_is_damaged(error, number, "no node of its extent tree where one should be");
    if (header.max > capacity || header.max + 2 < capacity)
        return inode_is_damaged(error, number,
                                "a node of its extent tree claims room for %" PRIu32
                                " entries (%" PRIu32 " expected)",
                                header.max, capacity);
    if (header.entries > header.max)
        return inode_is_damaged(error, number,
                                "a node of its extent tree claims %" PRIu32
                                " entries (at most %" PRIu32 " expected)",
                                header.entries, header.max);
    *ret_header = header;
    return 0;
}

/* One extent. */
static int take_extent(struct walk *walk, const uint8_t *entry, struct error *error)
{
    uint32_t length = get_le16(entry + 4);
    struct ext4_mapping mapping = {
        .logical = get_le32(entry),
        .start = (uint64_t)get_le16(entry + 6) << 32 | get_le32(entry + 8),
        .count = length > EXTENT_MAX_LENGTH ? length - EXTENT_MAX_LENGTH : length,
        .unwritten = length > EXTENT_MAX_LENGTH,
    };

    if (mapping.count == 0)
        return inode_is_damaged(error, walk->number, "the extent at block %" PRIu64 " is empty",
                                mapping.logical);
    if (mapping.logical < walk->next_logical)
        return inode_is_damaged(error, walk->number,
                                "the extent at block %" PRIu64 " comes after those up to %" PRIu64,
                                mapping.logical, walk->next_logical);
    if (mapping.count > EXTENT_MAX_LOGICAL - mapping.logical)
        return inode_is_damaged(error, walk->number,
                                "the extent at block %" PRIu64 " ends beyond all files",
                                mapping.logical);
    if (!inode_run_is_inside(walk->ext4, mapping.start, mapping.count))
        return inode_is_damaged(error, walk->number,
                                "the extent at block %" PRIu64
                                " lies outside of the filesystem (%" PRIu64 " blocks at %" PRIu64
                                ")",
                                mapping.logical, mapping.count, mapping.start);
    walk->next_logical = mapping.logical + mapping.count;
    return ext4_block_map_append(walk->map, mapping, error);
}

static int take_node(struct walk *walk, const uint8_t *node, const struct extent_header *header,
                     struct error *error);

/* Reads the node, and checks that it is the one which the index stands for. */
static int read_child(struct walk *walk, uint64_t place, uint32_t depth, uint8_t *node,
                      struct extent_header *ret_header, struct error *error)
{
    ext2_filsys fs = walk->ext4->fs;
    uint32_t offset;

    if (inode_read_block(walk->ext4, walk->number, place, node, error) ||
        decode_header(node, fs->blocksize, walk->number, ret_header, error))
        return -1;
    offset = EXTENT_ENTRY_SIZE + EXTENT_ENTRY_SIZE * ret_header->max;
    if (ext2fs_has_feature_metadata_csum(fs->super) &&
        get_le32(node + offset) !=
            extent_node_checksum(fs, walk->number, walk->generation, node, ret_header->max))
        return inode_is_damaged(
            error, walk->number,
            "the node of its extent tree in block %" PRIu64 " has a wrong checksum", place);
    if (ret_header->depth != depth || ret_header->entries == 0)
        return inode_is_damaged(error, walk->number,
                                "the node of its extent tree in block %" PRIu64
                                " has depth %" PRIu32 " and %" PRIu32 " entries (depth %" PRIu32
                                " and some expected)",
                                place, ret_header->depth, ret_header->entries, depth);
    return 0;
}

static int take_index(struct walk *walk, const uint8_t *entry, uint32_t depth, struct error *error)
{
    uint8_t *node = walk->blocks + (size_t)depth * walk->ext4->fs->blocksize;
    uint64_t place = get_le32(entry + 4) | (uint64_t)get_le16(entry + 8) << 32;
    struct extent_header header;

    if (!inode_run_is_inside(walk->ext4, place, 1))
        return inode_is_damaged(error, walk->number,
                                "a node of its extent tree lies outside of the filesystem, at "
                                "block %" PRIu64,
                                place);
    if (read_child(walk, place, depth, node, &header, error))
        return -1;
    if (get_le32(node + EXTENT_ENTRY_SIZE) != get_le32(entry))
        return inode_is_damaged(error, walk->number,
                                "the node of its extent tree in block %" PRIu64
                                " begins at block %" PRIu32 " of the file (%" PRIu32 " expected)",
                                place, get_le32(node + EXTENT_ENTRY_SIZE), get_le32(entry));
    return ext4_block_map_add_node(walk->map, place, error) || take_node(walk, node, &header, error)
               ? -1
               : 0;
}

static int take_node(struct walk *walk, const uint8_t *node, const struct extent_header *header,
                     struct error *error)
{
    for (uint32_t i = 0; i < header->entries; i++) {
        const uint8_t *entry = node + EXTENT_ENTRY_SIZE * ((size_t)i + 1);

        if (header->depth == 0 ? take_extent(walk, entry, error)
                               : take_index(walk, entry, header->depth - 1, error))
            return -1;
    }
    return 0;
}

int extent_tree_read(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                     struct ext4_block_map *map, struct error *error)
{
    struct walk walk = {
        .ext4 = ext4, .map = map, .number = number, .generation = inode->i_generation};
    const uint8_t *root = (const uint8_t *)inode->i_block;
    CLEANUP_FREE uint8_t *blocks = NULL;
    struct extent_header header;

    if (decode_header(root, EXTENT_ROOT_SIZE, number, &header, error))
        return -1;
    if (header.depth > EXTENT_MAX_DEPTH || (header.depth > 0 && header.entries == 0))
        return inode_is_damaged(error, number,
                                "its extent tree has depth %" PRIu32 " and %" PRIu32
                                " entries at its root",
                                header.depth, header.entries);
    if (header.depth > 0) {
        blocks = malloc((size_t)header.depth * ext4->fs->blocksize);
        if (!blocks)
            return error_set_no_memory(error);
        walk.blocks = blocks;
    }
    return take_node(&walk, root, &header, error);
}
