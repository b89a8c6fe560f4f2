#include "ext4/tree-directory.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/io.h"
#include "ext4/tree-extents.h"
#include "ext4/tree-hash.h"
#include "ext4/tree-inode.h"
#include "ext4/tree-pack.h"

/* Of a hashed directory's blocks, as e2fsck leaves it: new names find room without a split. */
#define FILL_PERCENT 80

static int compare_nodes(const void *a, const void *b)
{
    const struct tree_node *left = *(const struct tree_node *const *)a;
    const struct tree_node *right = *(const struct tree_node *const *)b;
    int order = memcmp(left->name, right->name, min_u64(left->name_size, right->name_size));

    return order ? order : left->name_size - right->name_size;
}

/* All names as a plain list, in their order; block_count blocks at least. */
static int pack_list(const struct tree_directory *directory, uint64_t block_count,
                     struct tree_pack *pack, struct error *error)
{
    const struct tree_node *self = directory->node;
    CLEANUP_FREE const struct tree_node **nodes =
        calloc((size_t)directory->name_count + 1, sizeof(const struct tree_node *));
    size_t count = 0;

    if (!nodes)
        return error_set_no_memory(error);
    for (const struct tree_node *node = directory->first; node; node = node->next_sibling)
        nodes[count++] = node;
    qsort(nodes, count, sizeof(const struct tree_node *), compare_nodes);
    if (tree_pack_add(pack, self->ino, EXT2_FT_DIR, ".", 1, error) ||
        tree_pack_add(pack, self->parent->ino, EXT2_FT_DIR, "..", 2, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (tree_pack_add(pack, nodes[i]->ino, nodes[i]->type, nodes[i]->name, nodes[i]->name_size,
                          error))
            return -1;
    tree_pack_finish(pack);
    while (pack->block_count < block_count)
        if (tree_pack_add_empty(pack, error))
            return -1;
    return 0;
}

static bool fits_one_block(const struct tree_directory *directory, size_t room)
{
    size_t size = tree_pack_entry_size(1) + tree_pack_entry_size(2);

    for (const struct tree_node *node = directory->first; node; node = node->next_sibling) {
        size += tree_pack_entry_size(node->name_size);
        if (size > room)
            return false;
    }
    return true;
}

/* Chooses between list and hashed tree, and sets the inode's flag accordingly. A directory that
 * has more than one block from mkfs (lost+found) keeps them, as a list. */
static int pack_directory(ext2_filsys fs, const struct tree_directory *directory,
                          uint64_t blocks_before, struct ext2_inode_large *inode,
                          struct tree_pack *pack, struct error *error)
{
    size_t room = fs->blocksize - TREE_PACK_TAIL_SIZE;
    bool hashed = false;

    if (blocks_before <= 1 && !fits_one_block(directory, room)) {
        tree_pack_init(pack, fs->blocksize, room * FILL_PERCENT / 100);
        if (tree_hash_pack(fs, directory, pack, &hashed, error))
            return -1;
    }
    if (hashed) {
        inode->i_flags |= EXT2_INDEX_FL;
        return 0;
    }
    inode->i_flags &= ~(uint32_t)EXT2_INDEX_FL;
    tree_pack_free(pack);
    tree_pack_init(pack, fs->blocksize, room);
    return pack_list(directory, blocks_before, pack, error);
}

/* The blocks that the directory has already, and new ones for the rest. */
static int place_blocks(struct tree_space *space, ext2_ino_t ino, struct ext2_inode_large *inode,
                        uint64_t blocks_before, uint64_t block_count, struct tree_extents *extents,
                        struct error *error)
{
    for (uint64_t logical = 0; logical < blocks_before; logical++) {
        blk64_t physical = 0;
        errcode_t code =
            ext2fs_bmap2(space->fs, ino, EXT2_INODE(inode), NULL, 0, logical, NULL, &physical);

        if (code)
            return ext4_set_error(error, space->io, code, "can't find a directory's blocks");
        if (tree_extents_append(extents, logical, physical, 1, error))
            return -1;
    }
    for (uint64_t logical = blocks_before; logical < block_count;) {
        blk64_t physical;
        uint64_t count;

        if (tree_space_take(space, block_count - logical, &physical, &count, error) ||
            tree_extents_append(extents, logical, physical, count, error))
            return -1;
        logical += count;
    }
    return 0;
}

static int write_blocks(struct tree_space *space, ext2_ino_t ino, struct tree_pack *pack,
                        const struct tree_extents *extents, struct error *error)
{
    for (size_t i = 0; i < pack->block_count; i++) {
        void *block = pack->blocks + i * pack->block_size;
        errcode_t code = ext2fs_dir_block_csum_set(space->fs, ino, block);

        if (code)
            return ext4_set_error(error, space->io, code, "can't sum up a directory block");
    }
    for (size_t i = 0; i < extents->count; i++) {
        const struct tree_extent *extent = &extents->items[i];

        if (tree_space_write(space, extent->physical, extent->count,
                             pack->blocks + extent->logical * pack->block_size, error))
            return -1;
    }
    return 0;
}

static uint16_t count_links(const struct tree_directory *directory)
{
    uint64_t links = 2 + (uint64_t)directory->directory_count;

    return links > EXT2_LINK_MAX ? 1 : (uint16_t)links; /* 1: more than can be counted */
}

int tree_directory_write(struct tree_space *space, const struct tree_directory *directory,
                         struct error *error)
{
    ext2_filsys fs = space->fs;
    ext2_ino_t ino = directory->node->ino;
    CLEANUP(tree_pack_free) struct tree_pack pack = {0};
    CLEANUP(tree_extents_free) struct tree_extents extents = {0};
    union tree_inode inode;
    uint64_t blocks_before;
    errcode_t code;

    code = ext2fs_read_inode_full(fs, ino, EXT2_INODE(&inode.large), sizeof inode);
    if (code)
        return ext4_set_error(error, space->io, code, "can't read a directory's inode");
    blocks_before = EXT2_I_SIZE(&inode.large) / fs->blocksize;
    if (pack_directory(fs, directory, blocks_before, &inode.large, &pack, error) ||
        place_blocks(space, ino, &inode.large, blocks_before, pack.block_count, &extents, error) ||
        write_blocks(space, ino, &pack, &extents, error) ||
        tree_extents_store(&extents, space, ino, &inode.large, error))
        return -1;
    inode.large.i_links_count = count_links(directory);
    code = ext2fs_inode_size_set(fs, EXT2_INODE(&inode.large),
                                 (ext2_off64_t)(pack.block_count * pack.block_size));
    if (!code)
        code = ext2fs_write_inode_full(fs, ino, EXT2_INODE(&inode.large), sizeof inode);
    return code ? ext4_set_error(error, space->io, code, "can't write a directory's inode") : 0;
}
