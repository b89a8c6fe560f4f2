#include "ext4/indirect-blocks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"

/* How far the tree is written. */
struct writing {
    struct ext4 *ext4;
    const struct ext4_block_map *map;
    size_t mapping;   /* the first one that isn't in the tree whole */
    uint64_t logical; /* the next pointer is for this block */
    size_t nodes;     /* of map->nodes, written */
    uint8_t *blocks;  /* one for each level */
};

/* From block start of the file on, how many stretches of size blocks have a mapping in them. */
static uint64_t count_stretches(const struct ext4_block_map *map, uint64_t start, uint64_t size)
{
    uint64_t count = 0, next = 0; /* stretches before next are counted */

    for (size_t i = 0; i < map->count; i++) {
        const struct ext4_mapping *mapping = &map->mappings[i];
        uint64_t end = mapping->logical + mapping->count, first, last;

        if (end <= start)
            continue;
        first = max_u64((max_u64(mapping->logical, start) - start) / size, next);
        last = (end - 1 - start) / size;
        if (last >= first)
            count += last + 1 - first;
        next = max_u64(next, last + 1);
    }
    return count;
}

/* Blocks of pointers to data come every n blocks of the file, those of pointers to them every
 * n^2, from where the first of each begins; the last is the only one. */
size_t indirect_blocks_nodes_needed(const struct ext4 *ext4, const struct ext4_block_map *map)
{
    uint64_t pointers = ext4->fs->blocksize / 4, start = EXT2_NDIR_BLOCKS, span = 1, count = 0;

    for (int level = 0; level < INDIRECT_LEVELS; level++) {
        span *= pointers;
        count += count_stretches(map, start, span);
        start += span;
    }
    return (size_t)count;
}

/* Where the next mapped block is, at or behind writing->logical; the end of all when there is
 * none. */
static uint64_t next_mapped(struct writing *writing)
{
    const struct ext4_block_map *map = writing->map;

    while (writing->mapping < map->count &&
           map->mappings[writing->mapping].logical + map->mappings[writing->mapping].count <=
               writing->logical)
        writing->mapping++;
    return writing->mapping < map->count
               ? max_u64(map->mappings[writing->mapping].logical, writing->logical)
               : UINT64_MAX;
}

static int write_node(struct writing *writing, uint64_t place, const uint8_t *block,
                      struct error *error)
{
    errcode_t code = io_channel_write_blk64(writing->ext4->fs->io, place, 1, block);

    return code ? ext4_set_error(error, &writing->ext4->io, code, "cannot write an indirect block")
                : 0;
}

/* The pointer that is level steps away from data, for the next span blocks of the file. */
static int make_pointer(struct writing *writing, int level, uint64_t span, uint32_t *ret_pointer,
                        struct error *error)
{
    uint32_t pointers = writing->ext4->fs->blocksize / 4;
    uint64_t next = next_mapped(writing);
    uint8_t *block;

    *ret_pointer = 0;
    if (next >= writing->logical + span) {
        writing->logical += span;
        return 0;
    }
    if (level == 0) {
        const struct ext4_mapping *mapping = &writing->map->mappings[writing->mapping];

        *ret_pointer = (uint32_t)(mapping->start + (writing->logical++ - mapping->logical));
        return 0;
    }
    *ret_pointer = (uint32_t)writing->map->nodes[writing->nodes++];
    block = writing->blocks + (size_t)(level - 1) * writing->ext4->fs->blocksize;
    for (uint32_t i = 0; i < pointers; i++) {
        uint32_t pointer;

        if (make_pointer(writing, level - 1, span / pointers, &pointer, error))
            return -1;
        put_le32(block + 4 * (size_t)i, pointer);
    }
    return write_node(writing, *ret_pointer, block, error);
}

/* Whether indirect blocks can say all of the map; the caller has computed it. */
static int check_limits(const struct ext4 *ext4, const struct ext4_block_map *map, size_t nodes,
                        struct error *error)
{
    uint64_t pointers = ext4->fs->blocksize / 4;
    uint64_t end =
        EXT2_NDIR_BLOCKS + pointers + pointers * pointers + pointers * pointers * pointers;
    bool fits = true;

    for (size_t i = 0; i < map->count; i++) {
        const struct ext4_mapping *mapping = &map->mappings[i];

        fits = fits && !mapping->unwritten && range_fits(mapping->logical, mapping->count, end) &&
               range_fits(mapping->start, mapping->count, UINT64_C(1) << 32);
    }
    for (size_t i = 0; i < nodes; i++)
        fits = fits && map->nodes[i] <= UINT32_MAX;
    return fits ? 0
                : error_set(error, ERROR_UNSUPPORTED,
                            "a file with indirect blocks can't reach beyond block %" PRIu32
                            " of the filesystem, and has no unwritten blocks",
                            UINT32_MAX);
}

int indirect_blocks_write(struct ext4 *ext4, struct ext2_inode_large *inode,
                          const struct ext4_block_map *map, struct error *error)
{
    struct writing writing = {.ext4 = ext4, .map = map};
    CLEANUP_FREE uint8_t *blocks = malloc(INDIRECT_LEVELS * (size_t)ext4->fs->blocksize);
    uint32_t root[EXT2_N_BLOCKS];
    uint64_t span = 1;

    if (!blocks)
        return error_set_no_memory(error);
    if (check_limits(ext4, map, indirect_blocks_nodes_needed(ext4, map), error))
        return -1;
    writing.blocks = blocks;
    for (int i = 0; i < EXT2_N_BLOCKS; i++) {
        if (i >= EXT2_IND_BLOCK)
            span *= ext4->fs->blocksize / 4;
        if (make_pointer(&writing, i < EXT2_IND_BLOCK ? 0 : i - EXT2_IND_BLOCK + 1, span, &root[i],
                         error))
            return -1;
    }
    memcpy(inode->i_block, root, sizeof root);
    return 0;
}
