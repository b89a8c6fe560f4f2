/*
 * Directories: their blocks in large pieces, written where they change; and those
 * that lie in the inode itself.
 */
#include "base/bytes.h"
#include "base/checked.h"
#include "ext4/xattrs.h"
#include "image-format/disk.h"
#include "resize/renumber-parts.h"

/* Part of a directory that lies in a row, in renumber->blocks. */
struct piece {
    uint64_t logical, place, count; /* blocks */
    bool is_indexed;
};

/* Writes the blocks [first, end) of the piece. */
static int put_blocks(struct renumber *renumber, const struct piece *piece, uint64_t first,
                      uint64_t end, struct error *error)
{
    size_t block_size = renumber->ext4->geometry.block_size;

    return first == end ? 0
                        : renumber_put(renumber, (piece->place + first) * block_size,
                                       renumber->blocks + first * block_size,
                                       (size_t)(end - first) * block_size, error);
}

static int do_piece(struct renumber *renumber, struct renumber_inode *directory,
                    const struct piece *piece, struct error *error)
{
    size_t block_size = renumber->ext4->geometry.block_size;
    uint64_t first = 0; /* of the changed blocks that aren't put yet */

    if (disk_read(renumber->ext4->io.disk, piece->place * block_size, renumber->blocks,
                  (size_t)piece->count * block_size, error))
        return error_wrap(error, "cannot read directory %u", directory->from);
    for (uint64_t i = 0; i < piece->count; i++) {
        struct renumber_block block = {renumber->blocks + i * block_size, piece->logical + i,
                                       piece->is_indexed};
        bool changed = false;

        if (renumber_directory_block(renumber, directory, block, &changed, error))
            return -1;
        directory->changes |= changed;
        if (changed)
            continue;
        if (put_blocks(renumber, piece, first, i, error))
            return -1;
        first = i + 1;
    }
    return put_blocks(renumber, piece, first, piece->count, error);
}

/* A stretch that lies in a row, piece by piece. */
static int do_mapping(struct renumber *renumber, struct renumber_inode *directory,
                      const struct ext4_mapping *mapping, bool is_indexed, struct error *error)
{
    uint64_t most = max_u64(RENUMBER_PIECE / renumber->ext4->geometry.block_size, 1);

    for (uint64_t done = 0; done < mapping->count;) {
        struct piece piece = {mapping->logical + done, mapping->start + done,
                              min_u64(mapping->count - done, most), is_indexed};

        if (do_piece(renumber, directory, &piece, error))
            return -1;
        done += piece.count;
    }
    return 0;
}

/* Every block up to the directory's size is there, and none behind. */
static int do_blocks(struct renumber *renumber, struct renumber_inode *directory,
                     struct error *error)
{
    const struct ext4_geometry *geometry = &renumber->ext4->geometry;
    uint64_t size = EXT2_I_SIZE(directory->inode), next = 0;
    bool is_indexed = ext2fs_has_feature_dir_index(renumber->ext4->fs->super) &&
                      directory->inode->i_flags & EXT2_INDEX_FL;
    struct ext4_block_map *map = &renumber->map;

    if (!ext4_inode_maps_blocks(renumber->ext4->fs, directory->inode))
        return renumber_damaged(error, directory->from, "the directory has no blocks");
    if (ext4_block_map_read(renumber->ext4, directory->from, directory->inode, map, error))
        return -1;
    for (size_t i = 0; i < map->count; i++) {
        if (map->mappings[i].unwritten || map->mappings[i].logical != next)
            return renumber_damaged(error, directory->from, "the directory has a hole");
        next += map->mappings[i].count;
    }
    if (next == 0 || size % geometry->block_size != 0 || next != size / geometry->block_size)
        return renumber_damaged(error, directory->from,
                                "the directory's size isn't that of its blocks");
    for (size_t i = 0; i < map->count; i++)
        if (do_mapping(renumber, directory, &map->mappings[i], is_indexed, error))
            return -1;
    return 0;
}

/* Where an inline directory goes on: the attribute system.data. An empty list of bytes is fine. */
static int find_rest(struct renumber *renumber, struct renumber_inode *directory,
                     struct ext4_xattr *ret_xattr, struct error *error)
{
    struct ext4_xattr_list list;

    if (ext4_xattrs_in_inode(renumber->ext4, directory->from, directory->bytes, &list, error))
        return -1;
    while (ext4_xattr_next(&list, ret_xattr))
        if (ext4_xattr_is(ret_xattr, EXT4_XATTR_SYSTEM, "data"))
            return ret_xattr->value_inode == 0
                       ? 0
                       : renumber_damaged(error, directory->from, "its inline data is an inode");
    return renumber_damaged(error, directory->from, "its inline data has no attribute");
}

/* i_block: the parent's number, then entries; the rest in the attribute. No ".", no checksum. */
static int do_inline(struct renumber *renumber, struct renumber_inode *directory,
                     struct error *error)
{
    uint8_t *bytes = (uint8_t *)directory->inode->i_block;
    size_t size = sizeof directory->inode->i_block;
    struct ext4_xattr rest;
    bool changed = false;
    uint32_t parent;

    if (!ext2fs_has_feature_inline_data(renumber->ext4->fs->super))
        return renumber_damaged(error, directory->from,
                                "it has inline data (the inline_data feature expected with that)");
    if (find_rest(renumber, directory, &rest, error) ||
        renumber_resolve(renumber, get_le32(bytes), directory->from, &parent, error))
        return -1;
    changed = parent != get_le32(bytes);
    put_le32(bytes, parent);
    if (renumber_entries(renumber, directory, bytes + 4, size - 4, 0, &changed, error))
        return -1;
    if (rest.value &&
        renumber_entries(renumber, directory, rest.value, rest.value_size, 0, &changed, error))
        return -1;
    directory->rewritten |= changed;
    return 0;
}

int renumber_directory(struct renumber *renumber, struct renumber_inode *directory,
                       struct error *error)
{
    return directory->inode->i_flags & EXT4_INLINE_DATA_FL ? do_inline(renumber, directory, error)
                                                           : do_blocks(renumber, directory, error);
}
