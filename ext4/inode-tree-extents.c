/*
 * Extent trees. A cut drops a suffix of each node's entries, so what is left
 * of a node moves only where an empty node is dropped in between.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/inode-tree.h"

#define MAGIC 0xf30a
#define HEADER_SIZE 12
#define ENTRY_SIZE 12
#define MAX_DEPTH 5
#define ROOT_SIZE 60
#define MAX_WRITTEN 0x8000 /* a longer length is an unwritten extent's */

/* A node in memory, and the logical blocks that it may speak of. */
struct node {
    uint8_t *bytes;
    uint32_t size; /* bytes that entries can take, with the header */
    uint32_t depth;
    uint64_t low, high;
};

static uint32_t entries_of(const struct node *node)
{
    return get_le16(node->bytes + 2);
}

static void set_entries(struct node *node, uint32_t count)
{
    uint8_t *end = node->bytes + HEADER_SIZE + (size_t)count * ENTRY_SIZE;
    uint8_t *old_end = node->bytes + HEADER_SIZE + (size_t)entries_of(node) * ENTRY_SIZE;

    memset(end, 0, (size_t)(old_end - end));
    put_le16(node->bytes + 2, (uint16_t)count);
}

static int check_header(const struct ext4_tree *tree, const struct node *node, struct error *error)
{
    uint32_t max = get_le16(node->bytes + 4);

    if (get_le16(node->bytes) != MAGIC)
        return ext4_tree_bad(tree, error, "an extent node with the magic number",
                             get_le16(node->bytes));
    if (max == 0 || max > (node->size - HEADER_SIZE) / ENTRY_SIZE || entries_of(node) > max)
        return ext4_tree_bad(tree, error,
                             "an extent node with too many entries:", entries_of(node));
    if (get_le16(node->bytes + 6) != node->depth)
        return ext4_tree_bad(tree, error,
                             "an extent node of a wrong depth:", get_le16(node->bytes + 6));
    return 0;
}

/* The checksum lies behind the last entry that the node has room for. */
static uint8_t *checksum_place(uint8_t *bytes)
{
    return bytes + HEADER_SIZE + (size_t)get_le16(bytes + 4) * ENTRY_SIZE;
}

static uint32_t compute_checksum(const struct ext4_tree *tree, uint8_t *bytes)
{
    return ext2fs_crc32c_le(tree->seed, bytes, (size_t)(checksum_place(bytes) - bytes));
}

static int cut_extent(struct ext4_tree *tree, struct node *node, uint8_t *entry, uint64_t end,
                      uint64_t *low, bool *ret_kept, struct error *error)
{
    uint64_t first = get_le32(entry), start = (uint64_t)get_le16(entry + 6) << 32;
    uint32_t length = get_le16(entry + 4), flag = length > MAX_WRITTEN ? MAX_WRITTEN : 0;
    uint64_t kept;

    start |= get_le32(entry + 8);
    length -= flag;
    if (length == 0 || first < *low || first >= node->high || length > node->high - first)
        return ext4_tree_bad(tree, error, "extents that are out of order, at logical block", first);
    *low = first + length;
    kept = first >= end ? 0 : min_u64(length, end - first);
    *ret_kept = kept > 0;
    if (kept > 0 && ext4_tree_visit(tree,
                                    (struct ext4_tree_run){.part = EXT4_TREE_KEPT,
                                                           .logical = first,
                                                           .run = {start, kept},
                                                           .unwritten = flag != 0},
                                    error))
        return -1;
    if (kept == length)
        return 0;
    put_le16(entry + 4, (uint16_t)(kept | flag));
    return ext4_tree_visit(tree,
                           (struct ext4_tree_run){.part = EXT4_TREE_RELEASED,
                                                  .logical = first + kept,
                                                  .run = {start + kept, length - kept},
                                                  .unwritten = flag != 0},
                           error);
}

static int cut_leaf(struct ext4_tree *tree, struct node *node, uint64_t end, struct error *error)
{
    uint32_t count = entries_of(node), kept_count = 0;
    uint64_t low = node->low;

    for (uint32_t i = 0; i < count; i++) {
        bool kept = false;

        if (cut_extent(tree, node, node->bytes + HEADER_SIZE + (size_t)i * ENTRY_SIZE, end, &low,
                       &kept, error))
            return -1;
        kept_count += kept;
    }
    set_entries(node, kept_count);
    return 0;
}

static int cut_node(struct ext4_tree *tree, struct node *node, uint64_t end, struct error *error);

/* The node that an index entry leads to: cut, and written when it changed and isn't empty. */
static int cut_child(struct ext4_tree *tree, struct node *child, uint64_t block, uint64_t end,
                     bool *ret_kept, struct error *error)
{
    CLEANUP_FREE uint8_t *bytes = malloc(tree->geometry->block_size);
    CLEANUP_FREE uint8_t *old = malloc(tree->geometry->block_size);
    uint8_t *place;

    if (!bytes || !old)
        return error_set_no_memory(error);
    child->bytes = bytes;
    child->size = tree->geometry->block_size;
    if (tree->has_checksums)
        child->size -= (uint32_t)sizeof(uint32_t);
    if (ext4_tree_read_node(tree, block, bytes, error) || check_header(tree, child, error))
        return -1;
    place = checksum_place(bytes);
    if (tree->has_checksums && get_le32(place) != compute_checksum(tree, bytes))
        return ext4_tree_bad(tree, error, "an extent node with a wrong checksum, block", block);
    memcpy(old, bytes, tree->geometry->block_size);
    if (cut_node(tree, child, end, error))
        return -1;
    *ret_kept = end == EXT4_TREE_WHOLE || entries_of(child) > 0;
    if (ext4_tree_visit(tree,
                        (struct ext4_tree_run){
                            .part = *ret_kept ? EXT4_TREE_NODE : EXT4_TREE_OLD_NODE,
                            .run = {block, 1},
                        },
                        error))
        return -1;
    if (!*ret_kept || memcmp(old, bytes, tree->geometry->block_size) == 0)
        return 0;
    if (tree->has_checksums)
        put_le32(place, compute_checksum(tree, bytes));
    return ext4_tree_write_node(tree, block, bytes, error);
}

static int cut_index(struct ext4_tree *tree, struct node *node, uint64_t end, struct error *error)
{
    uint32_t count = entries_of(node), kept_count = 0;
    uint8_t *entries = node->bytes + HEADER_SIZE;
    uint64_t low = node->low;

    for (uint32_t i = 0; i < count; i++) {
        uint8_t *entry = entries + (size_t)i * ENTRY_SIZE;
        uint64_t block = get_le32(entry + 4) | (uint64_t)get_le16(entry + 8) << 32;
        struct node child = {
            .depth = node->depth - 1,
            .low = get_le32(entry),
            .high = i + 1 < count ? get_le32(entry + ENTRY_SIZE) : node->high,
        };
        bool kept = false;

        if (child.low < low || child.low >= child.high || child.high > node->high)
            return ext4_tree_bad(tree, error, "index entries out of order, at logical block",
                                 child.low);
        low = child.high;
        if (cut_child(tree, &child, block, end, &kept, error))
            return -1;
        if (kept && kept_count < i)
            memcpy(entries + (size_t)kept_count * ENTRY_SIZE, entry, ENTRY_SIZE);
        kept_count += kept;
    }
    set_entries(node, kept_count);
    return 0;
}

static int cut_node(struct ext4_tree *tree, struct node *node, uint64_t end, struct error *error)
{
    return node->depth > 0 ? cut_index(tree, node, end, error) : cut_leaf(tree, node, end, error);
}

int ext4_tree_cut_extents(struct ext4_tree *tree, uint64_t end, struct error *error)
{
    struct node root = {
        .bytes = (uint8_t *)tree->inode->i_block,
        .size = ROOT_SIZE,
        .high = UINT64_C(1) << 32,
    };

    root.depth = get_le16(root.bytes + 6);
    if (root.depth > MAX_DEPTH)
        return ext4_tree_bad(tree, error, "a depth of", root.depth);
    if (check_header(tree, &root, error) || cut_node(tree, &root, end, error))
        return -1;
    if (end != EXT4_TREE_WHOLE && entries_of(&root) == 0)
        put_le16(root.bytes + 6, 0);
    return 0;
}
