#include "ext4/tree-hash.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/io.h"

#define ROOT_INDEX_OFFSET 32 /* behind ".", ".." and the tree's own facts */
#define NODE_INDEX_OFFSET 8  /* behind an entry that spans the block */
#define INDEX_ENTRY_SIZE 8
#define INDEX_TAIL_SIZE 8

_Static_assert(sizeof(struct ext2_dx_entry) == INDEX_ENTRY_SIZE, "index entry");
_Static_assert(sizeof(struct ext2_dx_tail) == INDEX_TAIL_SIZE, "index tail");
_Static_assert(sizeof(struct ext2_dx_root_info) == ROOT_INDEX_OFFSET - 24, "index root");

struct hashed_name {
    uint32_t hash, minor;
    const struct tree_node *node;
};

/* Where the names from a hash on are; bit 0: some of that hash are in the block before. */
struct index_entry {
    uint32_t hash;
    uint32_t block; /* of the directory */
};

static int compare_hashed_names(const void *a, const void *b)
{
    const struct hashed_name *left = a, *right = b;
    int order;

    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    if (left->minor != right->minor)
        return left->minor < right->minor ? -1 : 1;
    order = memcmp(left->node->name, right->node->name,
                   min_u64(left->node->name_size, right->node->name_size));
    return order ? order : left->node->name_size - right->node->name_size;
}

static int hash_names(ext2_filsys fs, const struct tree_directory *directory,
                      struct hashed_name *names, struct error *error)
{
    const struct ext2_super_block *super = fs->super;
    int version = super->s_def_hash_version;
    size_t count = 0;

    if (version <= EXT2_HASH_TEA && super->s_flags & EXT2_FLAGS_UNSIGNED_HASH)
        version += EXT2_HASH_LEGACY_UNSIGNED - EXT2_HASH_LEGACY;
    for (const struct tree_node *node = directory->first; node; node = node->next_sibling) {
        struct hashed_name *name = &names[count++];
        errcode_t code = ext2fs_dirhash2(version, node->name, node->name_size, NULL, 0,
                                         super->s_hash_seed, &name->hash, &name->minor);

        if (code)
            return ext4_set_error(error, NULL, code, "can't hash a name");
        name->node = node;
    }
    qsort(names, count, sizeof *names, compare_hashed_names);
    return 0;
}

/* Packs the names into the blocks from 1 on; ret_leaves has room for one entry a name. */
static int pack_leaves(const struct hashed_name *names, size_t count, struct tree_pack *pack,
                       struct index_entry *ret_leaves, size_t *ret_leaf_count, struct error *error)
{
    size_t leaf_count = 0;

    for (size_t i = 0; i < count; i++) {
        const struct tree_node *node = names[i].node;
        size_t before = pack->block_count;

        if (tree_pack_add(pack, node->ino, node->type, node->name, node->name_size, error))
            return -1;
        if (pack->block_count > before) {
            bool goes_on = i > 0 && names[i].hash == names[i - 1].hash;

            ret_leaves[leaf_count++] = (struct index_entry){
                .hash = names[i].hash | goes_on,
                .block = (uint32_t)before,
            };
        }
    }
    tree_pack_finish(pack);
    *ret_leaf_count = leaf_count;
    return 0;
}

/* An index at p. The first entry has no hash: count and room stand in its place. */
static void encode_index(uint8_t *p, const struct index_entry *entries, size_t count, size_t limit)
{
    for (size_t i = 0; i < count; i++) {
        put_le32(p + i * INDEX_ENTRY_SIZE, entries[i].hash);
        put_le32(p + i * INDEX_ENTRY_SIZE + 4, entries[i].block);
    }
    put_le16(p, (uint16_t)limit);
    put_le16(p + 2, (uint16_t)count);
}

static size_t index_limit(const struct tree_pack *pack, size_t offset)
{
    return (pack->block_size - offset - INDEX_TAIL_SIZE) / INDEX_ENTRY_SIZE;
}

/* Puts index blocks over the leaves; their entries take the leaves' place in the array. */
static int add_level(struct tree_pack *pack, struct index_entry *entries, size_t *count,
                     struct error *error)
{
    size_t limit = index_limit(pack, NODE_INDEX_OFFSET);
    size_t above = 0;

    for (size_t i = 0; i < *count; i += limit) {
        struct index_entry entry = {.hash = entries[i].hash, .block = (uint32_t)pack->block_count};
        uint8_t *block;

        if (tree_pack_add_block(pack, &block, error))
            return -1;
        tree_pack_encode(block, 0, pack->block_size, 0, "", 0);
        encode_index(block + NODE_INDEX_OFFSET, &entries[i], (size_t)min_u64(limit, *count - i),
                     limit);
        entries[above++] = entry;
    }
    *count = above;
    return 0;
}

static void encode_root(ext2_filsys fs, const struct tree_node *node, struct tree_pack *pack,
                        const struct index_entry *entries, size_t count, unsigned levels)
{
    uint8_t *p = pack->blocks;

    tree_pack_encode(p, node->ino, 12, EXT2_FT_DIR, ".", 1);
    tree_pack_encode(p + 12, node->parent->ino, pack->block_size - 12, EXT2_FT_DIR, "..", 2);
    put_le32(p + 24, 0);
    p[28] = fs->super->s_def_hash_version;
    p[29] = sizeof(struct ext2_dx_root_info);
    p[30] = (uint8_t)levels;
    p[31] = 0; /* flags */
    encode_index(p + ROOT_INDEX_OFFSET, entries, count, index_limit(pack, ROOT_INDEX_OFFSET));
}

int tree_hash_pack(ext2_filsys fs, const struct tree_directory *directory, struct tree_pack *pack,
                   bool *ret_fits, struct error *error)
{
    CLEANUP_FREE struct hashed_name *names = calloc(directory->name_count, sizeof *names);
    CLEANUP_FREE struct index_entry *index = calloc(directory->name_count, sizeof *index);
    size_t root_limit = index_limit(pack, ROOT_INDEX_OFFSET);
    size_t count = 0;
    unsigned levels = 0;

    if (!names || !index)
        return error_set_no_memory(error);
    if (hash_names(fs, directory, names, error) || tree_pack_add_block(pack, NULL, error) ||
        pack_leaves(names, directory->name_count, pack, index, &count, error))
        return -1;
    if (count > root_limit) {
        if (add_level(pack, index, &count, error))
            return -1;
        levels++;
    }
    *ret_fits = count <= root_limit;
    if (*ret_fits)
        encode_root(fs, directory->node, pack, index, count, levels);
    return 0;
}
