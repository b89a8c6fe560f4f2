/*
 * Trees of indirect blocks: twelve pointers to data in the inode, then one to a
 * block of pointers, one to a block of pointers to such blocks, and one more level.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "ext4/inode-tree.h"

/* A pointer's place, and what it stands for. */
struct pointer {
    uint8_t *place;
    uint32_t level;   /* 0: data */
    uint64_t logical; /* the first block below it */
};

static uint64_t pointers_a_block(const struct ext4_tree *tree)
{
    return tree->geometry->block_size / sizeof(uint32_t);
}

/* Data blocks below a pointer. */
static uint64_t span_of(const struct ext4_tree *tree, uint32_t level)
{
    uint64_t span = 1;

    for (uint32_t i = 0; i < level; i++)
        span *= pointers_a_block(tree);
    return span;
}

static int cut_data(struct ext4_tree *tree, const struct pointer *pointer, uint64_t end,
                    struct error *error)
{
    struct ext4_tree_run run = {
        .part = pointer->logical < end ? EXT4_TREE_KEPT : EXT4_TREE_RELEASED,
        .logical = pointer->logical,
        .run = {get_le32(pointer->place), 1},
    };

    if (run.part == EXT4_TREE_RELEASED)
        put_le32(pointer->place, 0);
    return ext4_tree_visit(tree, run, error);
}

static int cut_pointer(struct ext4_tree *tree, const struct pointer *pointer, uint64_t end,
                       struct error *error);

static int cut_below(struct ext4_tree *tree, const struct pointer *pointer, uint8_t *node,
                     uint64_t end, struct error *error)
{
    uint64_t span = span_of(tree, pointer->level - 1);

    for (uint64_t i = 0; i < pointers_a_block(tree); i++) {
        struct pointer below = {
            .place = node + i * sizeof(uint32_t),
            .level = pointer->level - 1,
            .logical = pointer->logical + i * span,
        };

        if (cut_pointer(tree, &below, end, error))
            return -1;
    }
    return 0;
}

static int cut_pointer(struct ext4_tree *tree, const struct pointer *pointer, uint64_t end,
                       struct error *error)
{
    uint32_t block_size = tree->geometry->block_size;
    struct ext4_tree_run run = {.part = EXT4_TREE_NODE, .run = {get_le32(pointer->place), 1}};
    CLEANUP_FREE uint8_t *node = NULL;
    CLEANUP_FREE uint8_t *old = NULL;

    if (run.run.start == 0)
        return 0;
    if (pointer->level == 0)
        return cut_data(tree, pointer, end, error);
    node = malloc(block_size);
    old = malloc(block_size);
    if (!node || !old)
        return error_set_no_memory(error);
    if (ext4_tree_read_node(tree, run.run.start, node, error))
        return -1;
    memcpy(old, node, block_size);
    if (cut_below(tree, pointer, node, end, error))
        return -1;
    if (end != EXT4_TREE_WHOLE && bytes_are_zero(node, block_size)) {
        run.part = EXT4_TREE_OLD_NODE;
        put_le32(pointer->place, 0);
    } else if (memcmp(old, node, block_size) != 0 &&
               ext4_tree_write_node(tree, run.run.start, node, error)) {
        return -1;
    }
    return ext4_tree_visit(tree, run, error);
}

int ext4_tree_cut_pointers(struct ext4_tree *tree, uint64_t end, struct error *error)
{
    uint64_t logical = 0;

    for (uint32_t i = 0; i < EXT2_N_BLOCKS; i++) {
        uint32_t level = i < EXT2_IND_BLOCK ? 0 : i - EXT2_IND_BLOCK + 1;
        struct pointer pointer = {
            .place = (uint8_t *)&tree->inode->i_block[i],
            .level = level,
            .logical = logical,
        };

        if (cut_pointer(tree, &pointer, end, error))
            return -1;
        logical += span_of(tree, level);
    }
    return 0;
}
