/*
 * Inode tables and bitmaps: all inodes in use, one table after the other; and the
 * groups' accounts when the moves are done.
 */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/inode-table.h"
#include "resize/renumber-parts.h"

/* Inodes of a table that are read together: 256 KiB of them, or one. */
static uint32_t inodes_a_piece(const struct ext4 *ext4)
{
    return RENUMBER_PIECE / (uint32_t)EXT2_INODE_SIZE(ext4->fs->super);
}

/* The inodes in use among count slots, the first of which is the number's. */
static int walk_piece(struct renumber *renumber, uint32_t number, uint32_t count,
                      const uint8_t *bitmap, uint8_t *slots, uint8_t *bytes, renumber_visit *visit,
                      struct error *error)
{
    uint32_t size = EXT2_INODE_SIZE(renumber->ext4->fs->super);
    uint32_t index = ext4_inode_index(renumber->ext4, number);
    bool is_read = false;

    for (uint32_t i = 0; i < count; i++) {
        if (!ext4_bit(bitmap, index + i))
            continue;
        if (!is_read && ext4_inodes_read(renumber->ext4, number, count, slots, error))
            return -1;
        is_read = true;
        memcpy(bytes, slots + (size_t)i * size, size);
        if (visit(renumber, number + i, bytes, error))
            return -1;
    }
    return 0;
}

static int walk_group(struct renumber *renumber, uint32_t group, const uint8_t *bitmap,
                      uint8_t *slots, uint8_t *bytes, renumber_visit *visit, struct error *error)
{
    uint32_t inodes = renumber->ext4->geometry.group_inodes;
    uint32_t initialised = ext4_inodes_initialised(renumber->ext4, group), count;
    uint32_t first = group * inodes + 1;

    for (uint32_t i = initialised; i < inodes; i++)
        if (ext4_bit(bitmap, i))
            return renumber_damaged(error, first + i,
                                    "it is in use, and beyond those that its group has in use");
    for (uint32_t i = 0; i < initialised; i += count) {
        count = (uint32_t)min_u64(initialised - i, inodes_a_piece(renumber->ext4));
        if (walk_piece(renumber, first + i, count, bitmap, slots, bytes, visit, error))
            return -1;
    }
    return 0;
}

int renumber_walk(struct renumber *renumber, renumber_visit *visit, struct error *error)
{
    struct ext4 *ext4 = renumber->ext4;
    CLEANUP_FREE uint8_t *bitmap = malloc(ext4->geometry.block_size);
    CLEANUP_FREE uint8_t *slots = malloc(RENUMBER_PIECE);
    CLEANUP_FREE uint8_t *bytes = calloc(1, EXT4_INODE_BYTES(ext4));

    if (!bitmap || !slots || !bytes)
        return error_set_no_memory(error);
    for (uint32_t group = 0; group < ext4->geometry.groups; group++)
        if (ext4_inode_bitmap_read(ext4, group, bitmap, error) ||
            walk_group(renumber, group, bitmap, slots, bytes, visit, error))
            return -1;
    return 0;
}

/* e2fsck takes an inode with links for one in use whatever the bitmap says. */
static int check_slot(struct renumber *renumber, uint32_t number, struct error *error)
{
    struct ext4 *ext4 = renumber->ext4;
    CLEANUP_FREE uint8_t *bytes = malloc(EXT4_INODE_BYTES(ext4));

    if (!bytes)
        return error_set_no_memory(error);
    if (ext4_inode_index(ext4, number) >=
        ext4_inodes_initialised(ext4, ext4_inode_group(ext4, number)))
        return 0;
    if (ext4_inodes_read(ext4, number, 1, bytes, error))
        return -1;
    return ((const struct ext2_inode_large *)(void *)bytes)->i_links_count == 0
               ? 0
               : renumber_damaged(error, number, "it has links, and is free in its bitmap");
}

int renumber_check_free(struct renumber *renumber, struct error *error)
{
    struct ext4 *ext4 = renumber->ext4;
    CLEANUP_FREE uint8_t *bitmap = malloc(ext4->geometry.block_size);
    uint32_t group = UINT32_MAX;

    if (!bitmap)
        return error_set_no_memory(error);
    for (size_t i = 0; i < renumber->count; i++) {
        uint32_t number = renumber->taken[i];

        if (ext4_inode_group(ext4, number) != group) {
            group = ext4_inode_group(ext4, number);
            if (ext4_inode_bitmap_read(ext4, group, bitmap, error))
                return -1;
        }
        if (ext4_bit(bitmap, ext4_inode_index(ext4, number)))
            return error_set(error, ERROR_CORRUPT, "inode %" PRIu32 " is in use (free expected)",
                             number);
        if (check_slot(renumber, number, error))
            return -1;
    }
    return 0;
}

/* As the kernel does when it first takes an inode from behind those that are initialised: what
 * lies between becomes readable with it. */
int renumber_zero_unused(struct renumber *renumber, struct error *error)
{
    struct ext4 *ext4 = renumber->ext4;

    for (size_t i = 0; i < renumber->count; i++) {
        uint32_t number = renumber->taken[i], group = ext4_inode_group(ext4, number);
        uint32_t initialised = ext4_inodes_initialised(ext4, group);
        uint32_t index = ext4_inode_index(ext4, number);

        if (i + 1 < renumber->count && ext4_inode_group(ext4, renumber->taken[i + 1]) == group)
            continue; /* the group's last decides */
        if (index >= initialised &&
            ext4_inodes_zero(ext4, number - (index - initialised), index + 1 - initialised, error))
            return -1;
    }
    return 0;
}

/* One bit of an inode bitmap that changes. */
struct bit {
    uint32_t number;
    bool used, is_directory;
};

static int compare_bits(const void *a, const void *b)
{
    const struct bit *first = a, *second = b;

    return first->number < second->number ? -1 : first->number > second->number;
}

/* Those of one group, from bits[0] on; *ret_count: how many. */
static int write_group(struct ext4 *ext4, const struct bit *bits, size_t most, uint8_t *bitmap,
                       size_t *ret_count, struct error *error)
{
    uint32_t group = ext4_inode_group(ext4, bits[0].number);
    uint32_t directories = ext2fs_bg_used_dirs_count(ext4->fs, group);
    size_t i;

    if (ext4_inode_bitmap_read(ext4, group, bitmap, error))
        return -1;
    for (i = 0; i < most && ext4_inode_group(ext4, bits[i].number) == group; i++) {
        uint32_t index = ext4_inode_index(ext4, bits[i].number);

        if (bits[i].used)
            bitmap[index / 8] |= (uint8_t)(1u << index % 8);
        else
            bitmap[index / 8] &= (uint8_t) ~(1u << index % 8);
        if (bits[i].is_directory && bits[i].used)
            directories++;
        else if (bits[i].is_directory && directories > 0)
            directories--;
    }
    *ret_count = i;
    ext2fs_bg_used_dirs_count_set(ext4->fs, group, directories);
    return ext4_inode_bitmap_write(ext4, group, bitmap, error);
}

int renumber_write_bitmaps(struct renumber *renumber, struct error *error)
{
    size_t count = renumber->count * 2, done;
    CLEANUP_FREE struct bit *bits = calloc(count + 1, sizeof *bits);
    CLEANUP_FREE uint8_t *bitmap = malloc(renumber->ext4->geometry.block_size);

    if (!bits || !bitmap)
        return error_set_no_memory(error);
    for (size_t i = 0; i < renumber->count; i++) {
        bool is_directory = renumber->found[i].is_directory;

        bits[2 * i] = (struct bit){renumber->moves[i].from, false, is_directory};
        bits[2 * i + 1] = (struct bit){renumber->moves[i].to, true, is_directory};
    }
    qsort(bits, count, sizeof *bits, compare_bits);
    for (size_t i = 0; i < count; i += done)
        if (write_group(renumber->ext4, bits + i, count - i, bitmap, &done, error))
            return -1;
    return 0;
}
