#include "ext4/xattrs.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "image-format/disk.h"

#define MAGIC UINT32_C(0xea020000)
#define ENTRY_SIZE 16 /* before the name */
#define BLOCK_HEADER_SIZE 32
#define LIST_END_SIZE 4 /* four zero bytes */
#define BODY_HEADER_SIZE 4

static int damaged(struct error *error, uint32_t number, const char *what)
{
    error_set(error, ERROR_CORRUPT, "the extended attributes of inode %" PRIu32 " are damaged: %s",
              number, what);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

static size_t padded(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

static bool is_end(const uint8_t *entry)
{
    return get_le32(entry) == 0;
}

static void decode(const struct ext4_xattr_list *list, uint8_t *entry, struct ext4_xattr *ret)
{
    *ret = (struct ext4_xattr){
        .entry = entry,
        .name = (const char *)entry + ENTRY_SIZE,
        .name_size = entry[0],
        .index = entry[1],
        .value_inode = get_le32(entry + 4),
        .value_size = get_le32(entry + 8),
        .hash = get_le32(entry + 12),
    };
    if (ret->value_inode == 0 && ret->value_size > 0)
        ret->value = list->values + get_le16(entry + 2);
}

/* The list of names ends before the area does. */
static int check_names(const struct ext4_xattr_list *list, uint32_t number,
                       const uint8_t **ret_names_end, struct error *error)
{
    const uint8_t *entry = list->next;

    for (;;) {
        size_t left = (size_t)(list->end - entry), size;

        if (left < LIST_END_SIZE)
            return damaged(error, number, "the list of names has no end");
        if (is_end(entry))
            break;
        size = left < ENTRY_SIZE ? ENTRY_SIZE : padded(ENTRY_SIZE + (size_t)entry[0]);
        if (size > left)
            return damaged(error, number, "a name ends outside of its place");
        entry += size;
    }
    *ret_names_end = entry + LIST_END_SIZE;
    return 0;
}

static int check_value(struct ext4 *ext4, const struct ext4_xattr_list *list, uint32_t number,
                       const uint8_t *names_end, uint8_t *entry, struct error *error)
{
    size_t offset = get_le16(entry + 2), area = (size_t)(list->end - list->values);
    uint32_t value_inode = get_le32(entry + 4), size = get_le32(entry + 8);

    if (value_inode != 0) {
        if (!ext2fs_has_feature_ea_inode(ext4->fs->super))
            return damaged(error, number,
                           "a value is an inode (the ea_inode feature expected with that)");
        if (value_inode < EXT2_FIRST_INODE(ext4->fs->super) ||
            value_inode > ext4->fs->super->s_inodes_count || value_inode == number)
            return damaged(error, number, "a value is an inode that can't be one");
        return 0;
    }
    if (size == 0)
        return 0;
    if (size > area || !range_fits(offset, padded(size), area) || list->values + offset < names_end)
        return damaged(error, number, "a value lies outside of its place");
    return 0;
}

static int check_list(struct ext4 *ext4, const struct ext4_xattr_list *list, uint32_t number,
                      struct error *error)
{
    struct ext4_xattr_list rest = *list;
    struct ext4_xattr xattr;
    const uint8_t *names_end = list->end;

    if (check_names(list, number, &names_end, error))
        return -1;
    for (uint8_t *entry = list->next; !is_end(entry);
         entry += padded(ENTRY_SIZE + (size_t)entry[0]))
        if (check_value(ext4, list, number, names_end, entry, error))
            return -1;
    while (ext4_xattr_next(&rest, &xattr))
        if (memchr(xattr.name, '\0', xattr.name_size))
            return damaged(error, number, "a name has a NUL in it");
    return 0;
}

int ext4_xattrs_in_inode(struct ext4 *ext4, uint32_t number, uint8_t *bytes,
                         struct ext4_xattr_list *ret_list, struct error *error)
{
    const struct ext2_inode_large *inode = (const struct ext2_inode_large *)(void *)bytes;
    size_t inode_size = EXT2_INODE_SIZE(ext4->fs->super), start;
    static uint8_t none[LIST_END_SIZE];

    *ret_list = (struct ext4_xattr_list){none, none, none + sizeof none};
    if (inode_size <= EXT2_GOOD_OLD_INODE_SIZE)
        return 0;
    if (inode->i_extra_isize > inode_size - EXT2_GOOD_OLD_INODE_SIZE ||
        inode->i_extra_isize % 4 != 0)
        return damaged(error, number, "i_extra_isize is beyond the inode's end, or odd");
    start = EXT2_GOOD_OLD_INODE_SIZE + (size_t)inode->i_extra_isize;
    /* An inode whose fields were never extended has no attributes: the kernel looks for none. */
    if (inode->i_extra_isize == 0 || inode_size - start < BODY_HEADER_SIZE + LIST_END_SIZE ||
        get_le32(bytes + start) != MAGIC)
        return 0;
    ret_list->next = ret_list->values = bytes + start + BODY_HEADER_SIZE;
    ret_list->end = bytes + inode_size;
    return check_list(ext4, ret_list, number, error);
}

int ext4_xattr_block_place(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                           uint64_t *ret_place, struct error *error)
{
    uint64_t place = inode->i_file_acl;

    if (ext4->geometry.is_64bit)
        place |= (uint64_t)inode->osd2.linux2.l_i_file_acl_high << 32;
    if (place != 0 && (place <= ext4->geometry.first_block || place >= ext4->geometry.blocks))
        return damaged(error, number, "their block lies outside of the filesystem");
    *ret_place = place;
    return 0;
}

int ext4_xattr_block_read(struct ext4 *ext4, uint32_t number, uint64_t place, uint8_t *block,
                          struct ext4_xattr_list *ret_list, struct error *error)
{
    uint32_t block_size = ext4->geometry.block_size;

    if (disk_read(ext4->io.disk, place * block_size, block, block_size, error))
        return error_wrap(error, "cannot read the extended attributes of inode %" PRIu32, number);
    if (get_le32(block) != MAGIC || get_le32(block + 8) != 1)
        return damaged(error, number, "their block isn't one of attributes");
    if (!ext2fs_ext_attr_block_csum_verify(ext4->fs, number, place, (void *)block))
        return damaged(error, number, "their block has a wrong checksum");
    *ret_list = (struct ext4_xattr_list){block + BLOCK_HEADER_SIZE, block, block + block_size};
    return check_list(ext4, ret_list, number, error);
}

void ext4_xattr_block_seal(struct ext4 *ext4, uint64_t place, uint8_t *block)
{
    /* The number of the inode doesn't take part: a block has many. */
    ext2fs_ext_attr_block_csum_set(ext4->fs, 0, place, (void *)block);
}

bool ext4_xattr_next(struct ext4_xattr_list *list, struct ext4_xattr *ret_xattr)
{
    if (is_end(list->next))
        return false;
    decode(list, list->next, ret_xattr);
    list->next += padded(ENTRY_SIZE + (size_t)ret_xattr->name_size);
    return true;
}

bool ext4_xattr_is(const struct ext4_xattr *xattr, enum ext4_xattr_index index, const char *name)
{
    return xattr->index == index && xattr->name_size == strlen(name) &&
           memcmp(xattr->name, name, xattr->name_size) == 0;
}

void ext4_xattr_set_value_inode(struct ext4_xattr *xattr, uint32_t number)
{
    xattr->value_inode = number;
    put_le32(xattr->entry + 4, number);
}
