#include "ext4/extent-tree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"

#define ROOT_ENTRIES ((EXTENT_ROOT_SIZE - EXTENT_ENTRY_SIZE) / EXTENT_ENTRY_SIZE)

/* Where the tree ends that is being written: all before is in nodes. */
struct writing {
    struct ext4 *ext4;
    const struct ext4_block_map *map;
    uint32_t number, generation; /* of the inode */
    size_t mapping;              /* the next extent begins in it, */
    uint64_t offset;             /* so many blocks behind its start */
    size_t nodes;                /* of map->nodes, written */
    uint8_t *blocks;             /* one for each depth below the root's */
};

static uint64_t longest_extent(const struct ext4_mapping *mapping)
{
    return mapping->unwritten ? EXTENT_MAX_UNWRITTEN_LENGTH : EXTENT_MAX_LENGTH;
}

static uint64_t count_extents(const struct ext4_block_map *map)
{
    uint64_t count = 0;

    for (size_t i = 0; i < map->count; i++)
        count += divide_up(map->mappings[i].count, longest_extent(&map->mappings[i]));
    return count;
}

/* Nodes below the root, and the root's depth. */
static size_t count_nodes(const struct ext4 *ext4, uint64_t extents, uint32_t *ret_depth)
{
    uint64_t entries = extents, nodes = 0;

    for (*ret_depth = 0; entries > ROOT_ENTRIES; ++*ret_depth) {
        entries = divide_up(entries, extent_node_capacity(ext4->fs->blocksize));
        nodes += entries;
    }
    return (size_t)nodes;
}

size_t extent_tree_nodes_needed(const struct ext4 *ext4, const struct ext4_block_map *map)
{
    uint32_t depth;

    return count_nodes(ext4, count_extents(map), &depth);
}

static void put_header(uint8_t *node, uint32_t capacity, uint32_t entries, uint32_t depth)
{
    put_le16(node, EXTENT_MAGIC);
    put_le16(node + 2, (uint16_t)entries);
    put_le16(node + 4, (uint16_t)capacity);
    put_le16(node + 6, (uint16_t)depth);
    put_le32(node + 8, 0);
}

static uint32_t next_logical(const struct writing *writing)
{
    return (uint32_t)(writing->map->mappings[writing->mapping].logical + writing->offset);
}

static void put_extent(struct writing *writing, uint8_t *entry)
{
    const struct ext4_mapping *mapping = &writing->map->mappings[writing->mapping];
    uint64_t start = mapping->start + writing->offset;
    uint64_t length = min_u64(mapping->count - writing->offset, longest_extent(mapping));

    put_le32(entry, next_logical(writing));
    put_le16(entry + 4, (uint16_t)(length + (mapping->unwritten ? EXTENT_MAX_LENGTH : 0)));
    put_le16(entry + 6, (uint16_t)(start >> 32));
    put_le32(entry + 8, (uint32_t)start);
    writing->offset += length;
    if (writing->offset == mapping->count) {
        writing->mapping++;
        writing->offset = 0;
    }
}

static int write_node(struct writing *writing, uint32_t depth, uint64_t *ret_place,
                      struct error *error);

/* Fills a node with what comes next, and writes the nodes below it. */
static int fill_node(struct writing *writing, uint8_t *node, uint32_t capacity, uint32_t depth,
                     struct error *error)
{
    uint32_t entries = 0;

    for (; entries < capacity && writing->mapping < writing->map->count; entries++) {
        uint8_t *entry = node + EXTENT_ENTRY_SIZE * ((size_t)entries + 1);
        uint64_t place;

        if (depth == 0) {
            put_extent(writing, entry);
            continue;
        }
        put_le32(entry, next_logical(writing));
        if (write_node(writing, depth - 1, &place, error))
            return -1;
        put_le32(entry + 4, (uint32_t)place);
        put_le16(entry + 8, (uint16_t)(place >> 32));
    }
    put_header(node, capacity, entries, depth);
    return 0;
}

static int write_node(struct writing *writing, uint32_t depth, uint64_t *ret_place,
                      struct error *error)
{
    ext2_filsys fs = writing->ext4->fs;
    uint8_t *node = writing->blocks + (size_t)depth * fs->blocksize;
    uint32_t capacity = extent_node_capacity(fs->blocksize);
    errcode_t code;

    *ret_place = writing->map->nodes[writing->nodes++];
    memset(node, 0, fs->blocksize);
    if (fill_node(writing, node, capacity, depth, error))
        return -1;
    if (ext2fs_has_feature_metadata_csum(fs->super))
        put_le32(node + EXTENT_ENTRY_SIZE * ((size_t)capacity + 1),
                 extent_node_checksum(fs, writing->number, writing->generation, node, capacity));
    code = io_channel_write_blk64(fs->io, *ret_place, 1, node);
    if (code)
        return ext4_set_error(error, &writing->ext4->io, code,
                              "cannot write the extent tree of inode %" PRIu32, writing->number);
    return 0;
}

/* Whether extents can hold all of the map; the caller has computed it. */
static int check_limits(const struct ext4_block_map *map, uint32_t number, struct error *error)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct ext4_mapping *mapping = &map->mappings[i];

        if (!range_fits(mapping->logical, mapping->count, EXTENT_MAX_LOGICAL) ||
            !range_fits(mapping->start, mapping->count, EXTENT_MAX_START))
            return error_set(error, ERROR_UNSUPPORTED,
                             "inode %" PRIu32 ": no extent can map block %" PRIu64 " to %" PRIu64,
                             number, mapping->logical, mapping->start);
    }
    return 0;
}

int extent_tree_write(struct ext4 *ext4, uint32_t number, struct ext2_inode_large *inode,
                      const struct ext4_block_map *map, struct error *error)
{
    struct writing writing = {
        .ext4 = ext4, .map = map, .number = number, .generation = inode->i_generation};
    CLEANUP_FREE uint8_t *blocks = NULL;
    uint8_t root[EXTENT_ROOT_SIZE] = {0};
    uint32_t depth;

    _Static_assert(sizeof inode->i_block == EXTENT_ROOT_SIZE, "the root fills i_block");
    if (check_limits(map, number, error))
        return -1;
    count_nodes(ext4, count_extents(map), &depth);
    if (depth > 0) {
        blocks = malloc((size_t)depth * ext4->fs->blocksize);
        if (!blocks)
            return error_set_no_memory(error);
        writing.blocks = blocks;
    }
    if (fill_node(&writing, root, ROOT_ENTRIES, depth, error))
        return -1;
    memcpy(inode->i_block, root, sizeof root);
    return 0;
}
