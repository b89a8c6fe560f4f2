#include "ext4/indirect-blocks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "ext4/inode-check.h"

/* A walk through the pointers, in the order of what they map. */
struct walk {
    struct ext4 *ext4;
    struct ext4_block_map *map;
    uint32_t number;  /* of the inode */
    uint64_t logical; /* the next pointer is for this block */
    uint8_t *blocks;  /* one for each level; NULL: none needed yet */
};

static int compare_blocks(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

    return first < second ? -1 : first > second;
}

/* Nodes don't say what they map, so one that is met again, and again below itself, would look like
 * a tree of any size. Looked for whenever the number of nodes has doubled: a walk takes no
 * longer than the nodes that are really there. */
static int check_repetition(const struct walk *walk, struct error *error)
{
    const struct ext4_block_map *map = walk->map;
    CLEANUP_FREE uint64_t *sorted = NULL;

    if (map->node_count < 16 || (map->node_count & (map->node_count - 1)) != 0)
        return 0;
    sorted = malloc(map->node_count * sizeof *sorted);
    if (!sorted)
        return error_set_no_memory(error);
    memcpy(sorted, map->nodes, map->node_count * sizeof *sorted);
    qsort(sorted, map->node_count, sizeof *sorted, compare_blocks);
    for (size_t i = 1; i < map->node_count; i++)
        if (sorted[i] == sorted[i - 1])
            return inode_is_damaged(error, walk->number,
                                    "block %" PRIu64 " is twice among its indirect blocks",
                                    sorted[i]);
    return 0;
}

static int add_node(struct walk *walk, uint64_t place, struct error *error)
{
    return ext4_block_map_add_node(walk->map, place, error) || check_repetition(walk, error) ? -1
                                                                                             : 0;
}

static int make_blocks(struct walk *walk, struct error *error)
{
    if (!walk->blocks)
        walk->blocks = malloc(INDIRECT_LEVELS * (size_t)walk->ext4->fs->blocksize);
    return walk->blocks ? 0 : error_set_no_memory(error);
}

/* Follows a pointer that is level steps away from data: 0 is data itself. span: blocks that the
 * pointer stands for. */
static int take_pointer(struct walk *walk, uint32_t pointer, int level, uint64_t span,
                        struct error *error)
{
    uint32_t pointers = walk->ext4->fs->blocksize / 4;
    uint8_t *block;

    if (pointer == 0) {
        walk->logical += span;
        return 0;
    }
    if (!inode_run_is_inside(walk->ext4, pointer, 1))
        return inode_is_damaged(error, walk->number,
                                "block %" PRIu64 " lies outside of the filesystem, at %" PRIu32,
                                walk->logical, pointer);
    if (level == 0)
        return ext4_block_map_append(
            walk->map, (struct ext4_mapping){walk->logical++, pointer, 1, false}, error);
    if (add_node(walk, pointer, error) || make_blocks(walk, error))
        return -1;
    block = walk->blocks + (size_t)(level - 1) * walk->ext4->fs->blocksize;
    if (inode_read_block(walk->ext4, walk->number, pointer, block, error))
        return -1;
    for (uint32_t i = 0; i < pointers; i++)
        if (take_pointer(walk, get_le32(block + 4 * (size_t)i), level - 1, span / pointers, error))
            return -1;
    return 0;
}

static int take_root(struct walk *walk, const struct ext2_inode_large *inode, struct error *error)
{
    uint64_t span = 1;

    for (int i = 0; i < EXT2_NDIR_BLOCKS; i++)
        if (take_pointer(walk, inode->i_block[i], 0, 1, error))
            return -1;
    for (int level = 1; level <= INDIRECT_LEVELS; level++) {
        span *= walk->ext4->fs->blocksize / 4;
        if (take_pointer(walk, inode->i_block[EXT2_IND_BLOCK + level - 1], level, span, error))
            return -1;
    }
    return 0;
}

int indirect_blocks_read(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                         struct ext4_block_map *map, struct error *error)
{
    struct walk walk = {.ext4 = ext4, .map = map, .number = number};
    int result = take_root(&walk, inode, error);

    free(walk.blocks);
    return result;
}
