#include "ext4/tree-extents.h"

#include <ext2fs/ext3_extents.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/io.h"

#define NODE_HEADER_SIZE 12 /* bytes, as the entries */
#define ENTRY_SIZE 12
#define ROOT_ENTRIES 4 /* in the inode's 60 bytes */

_Static_assert(sizeof(struct ext3_extent_header) == NODE_HEADER_SIZE, "extent header");
_Static_assert(sizeof(struct ext3_extent) == ENTRY_SIZE, "extent");
_Static_assert(sizeof(struct ext3_extent_idx) == ENTRY_SIZE, "extent index");
_Static_assert(sizeof(((struct ext2_inode_large *)NULL)->i_block) ==
                   NODE_HEADER_SIZE + ROOT_ENTRIES * ENTRY_SIZE,
               "root of the extent tree");

void tree_extents_free(struct tree_extents *extents)
{
    free(extents->items);
    *extents = (struct tree_extents){0};
}

static int push(struct tree_extents *extents, struct tree_extent item, struct error *error)
{
    struct tree_extent *items =
        array_make_room(extents->items, extents->count, &extents->capacity, sizeof *items, error);

    if (!items)
        return -1;
    extents->items = items;
    extents->items[extents->count++] = item;
    extents->blocks += item.count;
    return 0;
}

int tree_extents_append(struct tree_extents *extents, uint64_t logical, blk64_t physical,
                        uint64_t count, struct error *error)
{
    struct tree_extent *last = extents->count ? &extents->items[extents->count - 1] : NULL;

    if (last && last->logical + (uint64_t)last->count == logical &&
        last->physical + last->count == physical) {
        uint64_t joined = min_u64(count, EXT_INIT_MAX_LEN - last->count);

        last->count += (uint32_t)joined;
        extents->blocks += joined;
        logical += joined;
        physical += joined;
        count -= joined;
    }
    while (count > 0) {
        uint64_t part = min_u64(count, EXT_INIT_MAX_LEN);

        if (push(extents,
                 (struct tree_extent){
                     .logical = (uint32_t)logical, .count = (uint32_t)part, .physical = physical},
                 error))
            return -1;
        logical += part;
        physical += part;
        count -= part;
    }
    return 0;
}

/* One node at p: header, then the entries of this level. */
static void encode_node(uint8_t *p, const struct tree_extent *items, size_t count, size_t capacity,
                        unsigned depth)
{
    put_le16(p, EXT3_EXT_MAGIC);
    put_le16(p + 2, (uint16_t)count);
    put_le16(p + 4, (uint16_t)capacity);
    put_le16(p + 6, (uint16_t)depth);
    put_le32(p + 8, 0); /* generation */
    for (size_t i = 0; i < count; i++) {
        const struct tree_extent *item = &items[i];

        p += ENTRY_SIZE;
        put_le32(p, item->logical);
        if (depth == 0) {
            put_le16(p + 4, (uint16_t)item->count);
            put_le16(p + 6, (uint16_t)(item->physical >> 32));
            put_le32(p + 8, (uint32_t)item->physical);
        } else {
            put_le32(p + 4, (uint32_t)item->physical);
            put_le16(p + 8, (uint16_t)(item->physical >> 32));
            put_le16(p + 10, 0);
        }
    }
}

/* Writes one level's nodes, and sets *ret_above to the entries that lead to them. */
static int write_level(const struct tree_extents *level, unsigned depth, struct tree_space *space,
                       ext2_ino_t ino, struct tree_extents *ret_above, struct error *error)
{
    size_t block_size = space->fs->blocksize;
    size_t capacity = (block_size - NODE_HEADER_SIZE) / ENTRY_SIZE;
    CLEANUP_FREE uint8_t *node = malloc(block_size);

    if (!node)
        return error_set_no_memory(error);
    for (size_t i = 0; i < level->count; i += capacity) {
        size_t count = (size_t)min_u64(capacity, level->count - i);
        struct tree_extent above = {.logical = level->items[i].logical, .count = 1};
        uint64_t taken;
        errcode_t code;

        if (tree_space_take(space, 1, &above.physical, &taken, error))
            return -1;
        memset(node, 0, block_size);
        encode_node(node, &level->items[i], count, capacity, depth);
        code =
            ext2fs_extent_block_csum_set(space->fs, ino, (struct ext3_extent_header *)(void *)node);
        if (code)
            return ext4_set_error(error, space->io, code, "can't sum up an extent block");
        if (tree_space_write(space, above.physical, 1, node, error) ||
            push(ret_above, above, error))
            return -1;
    }
    return 0;
}

int tree_extents_store(const struct tree_extents *extents, struct tree_space *space, ext2_ino_t ino,
                       struct ext2_inode_large *inode, struct error *error)
{
    CLEANUP(tree_extents_free) struct tree_extents level = {0};
    const struct tree_extents *top = extents;
    uint64_t blocks = extents->blocks;
    unsigned depth = 0;

    while (top->count > ROOT_ENTRIES) {
        struct tree_extents above = {0};

        if (write_level(top, depth, space, ino, &above, error)) {
            tree_extents_free(&above);
            return -1;
        }
        tree_extents_free(&level);
        level = above;
        top = &level;
        blocks += level.blocks;
        depth++;
    }
    memset(inode->i_block, 0, sizeof inode->i_block);
    encode_node((uint8_t *)inode->i_block, top->items, top->count, ROOT_ENTRIES, depth);
    inode->i_flags |= EXT4_EXTENTS_FL;
    if (ext2fs_file_acl_block(space->fs, EXT2_INODE(inode)) != 0)
        blocks++;
    ext2fs_iblk_set(space->fs, EXT2_INODE(inode), blocks);
    return 0;
}
