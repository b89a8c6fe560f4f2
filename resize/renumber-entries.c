/*
 * One block of a directory. It holds entries, or the index of an htree, which looks like one
 * free entry (kernel Documentation/filesystems/ext4/directory.rst). Either has its checksum in
 * a tail, over the directory's number and generation and what the block holds.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "resize/renumber-parts.h"

#define ENTRY_HEAD 8  /* before the name */
#define SMALLEST 12   /* an entry with a name of one to four bytes */
#define LEAF_TAIL 12  /* a free entry that holds the checksum */
#define INDEX_TAIL 8  /* four reserved bytes, and the checksum */
#define INDEX_ENTRY 8 /* hash and block */
#define ROOT_INDEX 32 /* where the index begins in the first block, behind "." and ".." */
#define NODE_INDEX 8  /* and in others */
#define ROOT_INFO 24  /* what kind of index it is */
#define ROOT_INFO_SIZE 8
#define LEAF_TAIL_TYPE 0xde

/* The length of an entry: 65536 doesn't fit into its field, and its two lowest bits are spare. */
static size_t entry_length(const struct renumber *renumber, const uint8_t *entry)
{
    size_t length = get_le16(entry + 4), block_size = renumber->ext4->geometry.block_size;

    if (block_size < 65536)
        return length;
    if (length == 65535 || length == 0)
        return block_size;
    return (length & 65532) | (length & 3) << 16;
}

/* Two bytes, where the field for the type isn't one. */
static size_t name_size(const struct renumber *renumber, const uint8_t *entry)
{
    return ext2fs_has_feature_filetype(renumber->ext4->fs->super) ? entry[6] : get_le16(entry + 6);
}

/* A name: the inode moves on with it. */
static int take_name(struct renumber *renumber, const struct renumber_inode *directory,
                     uint8_t *entry, uint32_t *ret_number, struct error *error)
{
    uint32_t number = get_le32(entry);
    struct renumber_found *found = renumber_find(renumber, number);

    if (renumber_resolve(renumber, number, directory->from, ret_number, error))
        return -1;
    if (number == directory->from)
        return renumber_damaged(error, directory->from, "the directory has itself as an entry");
    if (found && !renumber->writing)
        found->names++;
    return 0;
}

/* "." or "..". */
static int take_dot(struct renumber *renumber, const struct renumber_inode *directory,
                    const uint8_t *entry, size_t size, unsigned which, uint32_t *ret_number,
                    struct error *error)
{
    uint32_t number = get_le32(entry);

    if (size != which + 1 || entry[ENTRY_HEAD] != '.' || entry[ENTRY_HEAD + which] != '.')
        return renumber_damaged(error, directory->from,
                                "the directory doesn't begin with \".\" and \"..\"");
    if (which == 0 && number != directory->from)
        return renumber_damaged(error, directory->from, "its \".\" is another inode");
    return renumber_resolve(renumber, number, directory->from, ret_number, error);
}

int renumber_entries(struct renumber *renumber, const struct renumber_inode *directory,
                     uint8_t *bytes, size_t size, unsigned dots, bool *ret_changed,
                     struct error *error)
{
    size_t length, at;
    unsigned index = 0;

    for (at = 0; at < size; at += length, index++) {
        uint8_t *entry = bytes + at;
        uint32_t number = 0;
        size_t name;
        int result = 0;

        if (size - at < SMALLEST)
            return renumber_damaged(error, directory->from, "an entry is cut off");
        length = entry_length(renumber, entry);
        name = name_size(renumber, entry);
        if (length < SMALLEST || length % 4 != 0 || length > size - at ||
            name > length - ENTRY_HEAD || name > EXT2_NAME_LEN)
            return renumber_damaged(error, directory->from, "an entry has a wrong length");
        if (index < dots)
            result = take_dot(renumber, directory, entry, name, index, &number, error);
        else if (get_le32(entry) != 0 && name == 0)
            result = renumber_damaged(error, directory->from, "an entry has no name");
        else if (get_le32(entry) != 0)
            result = take_name(renumber, directory, entry, &number, error);
        if (result)
            return -1;
        *ret_changed |= number != get_le32(entry);
        put_le32(entry, number);
    }
    return index >= dots ? 0
                         : renumber_damaged(error, directory->from,
                                            "the directory doesn't begin with \".\" and \"..\"");
}

static bool has_checksums(const struct renumber *renumber)
{
    return ext2fs_has_feature_metadata_csum(renumber->ext4->fs->super);
}

static int bad_checksum(struct error *error, const struct renumber_inode *directory,
                        uint64_t logical)
{
    error_set(error, ERROR_CORRUPT,
              "block %" PRIu64 " of directory %" PRIu32 " has a wrong checksum", logical,
              directory->from);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

static int do_leaf(struct renumber *renumber, const struct renumber_inode *directory,
                   struct renumber_block block, bool *ret_changed, struct error *error)
{
    size_t size = renumber->ext4->geometry.block_size;
    unsigned dots = block.logical == 0 ? 2 : 0;
    uint8_t *tail;

    if (!has_checksums(renumber))
        return renumber_entries(renumber, directory, block.bytes, size, dots, ret_changed, error);
    size -= LEAF_TAIL;
    tail = block.bytes + size;
    if (get_le32(tail) != 0 || get_le16(tail + 4) != LEAF_TAIL || tail[6] != 0 ||
        tail[7] != LEAF_TAIL_TYPE)
        return renumber_damaged(error, directory->from, "a block of it has no checksum");
    if (get_le32(tail + 8) !=
        ext2fs_crc32c_le(renumber_seed(renumber, directory, directory->from), block.bytes, size))
        return bad_checksum(error, directory, block.logical);
    if (renumber_entries(renumber, directory, block.bytes, size, dots, ret_changed, error))
        return -1;
    *ret_changed |= directory->to != directory->from;
    put_le32(tail + 8, ext2fs_crc32c_le(renumber_seed(renumber, directory, directory->to),
                                        block.bytes, size));
    return 0;
}

/* Where a block of the index has what. */
struct index {
    size_t used;   /* bytes from the block's start on that the checksum takes in */
    uint8_t *tail; /* with the checksum; NULL without checksums */
};

static uint32_t index_checksum(uint32_t seed, const uint8_t *block, const struct index *index)
{
    static const uint8_t zeros[4];

    seed = ext2fs_crc32c_le(seed, block, index->used);
    seed = ext2fs_crc32c_le(seed, index->tail, 4);
    return ext2fs_crc32c_le(seed, zeros, sizeof zeros);
}

/* Checks a block of the index whose entries begin at start. */
static int find_index(const struct renumber *renumber, const struct renumber_inode *directory,
                      struct renumber_block block, size_t start, struct index *ret_index,
                      struct error *error)
{
    size_t size = renumber->ext4->geometry.block_size - (has_checksums(renumber) ? INDEX_TAIL : 0);
    size_t limit = get_le16(block.bytes + start), count = get_le16(block.bytes + start + 2);

    if (count == 0 || count > limit || limit * INDEX_ENTRY > size - start)
        return renumber_damaged(error, directory->from, "a block of its index is damaged");
    *ret_index = (struct index){.used = start + count * INDEX_ENTRY};
    if (!has_checksums(renumber))
        return 0;
    ret_index->tail = block.bytes + start + limit * INDEX_ENTRY;
    return get_le32(ret_index->tail + 4) ==
                   index_checksum(renumber_seed(renumber, directory, directory->from), block.bytes,
                                  ret_index)
               ? 0
               : bad_checksum(error, directory, block.logical);
}

static void seal_index(const struct renumber *renumber, const struct renumber_inode *directory,
                       struct renumber_block block, const struct index *index)
{
    if (index->tail)
        put_le32(index->tail + 4, index_checksum(renumber_seed(renumber, directory, directory->to),
                                                 block.bytes, index));
}

/* A block of the index below the first. It mentions blocks, and no inodes. */
static int do_node(const struct renumber *renumber, const struct renumber_inode *directory,
                   struct renumber_block block, bool *ret_changed, struct error *error)
{
    struct index index;

    /* It may be a block of entries with none in it: the first bytes are the same. */
    if (!has_checksums(renumber))
        return 0;
    if (find_index(renumber, directory, block, NODE_INDEX, &index, error))
        return -1;
    *ret_changed |= directory->to != directory->from;
    seal_index(renumber, directory, block, &index);
    return 0;
}

/* The first block of an htree: ".", and "..", which seems to fill the rest, and the index. */
static int do_root(struct renumber *renumber, const struct renumber_inode *directory,
                   struct renumber_block block, bool *ret_changed, struct error *error)
{
    size_t size = renumber->ext4->geometry.block_size;
    const uint8_t *info = block.bytes + ROOT_INFO;
    struct index index;

    if (entry_length(renumber, block.bytes) != SMALLEST ||
        entry_length(renumber, block.bytes + SMALLEST) != size - SMALLEST || get_le32(info) != 0 ||
        info[5] != ROOT_INFO_SIZE)
        return renumber_damaged(error, directory->from, "the root of its index is damaged");
    if (find_index(renumber, directory, block, ROOT_INDEX, &index, error) ||
        renumber_entries(renumber, directory, block.bytes, size, 2, ret_changed, error))
        return -1;
    *ret_changed |= has_checksums(renumber) && directory->to != directory->from;
    seal_index(renumber, directory, block, &index);
    return 0;
}

int renumber_directory_block(struct renumber *renumber, const struct renumber_inode *directory,
                             struct renumber_block block, bool *ret_changed, struct error *error)
{
    size_t size = renumber->ext4->geometry.block_size;

    if (block.is_indexed && block.logical == 0)
        return do_root(renumber, directory, block, ret_changed, error);
    if (block.is_indexed && get_le32(block.bytes) == 0 &&
        entry_length(renumber, block.bytes) == size)
        return do_node(renumber, directory, block, ret_changed, error);
    return do_leaf(renumber, directory, block, ret_changed, error);
}
