#include "ext4/xattr-check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "ext4/inode-check.h"

#define UNIT 4 /* entries and values begin and end at multiples of it */
#define ENTRY_SIZE sizeof(struct ext2_ext_attr_entry)
#define END_SIZE 4 /* zeros behind the last entry */
#define SYSTEM_INDEX 7

/* Where entries and values lie: entries grow up from first, values are named by their offset. */
struct area {
    struct ext4 *ext4;
    uint32_t number; /* of the inode */
    uint8_t *bytes;
    size_t size, first;
    bool is_body;
    uint8_t taken[EXT2_MAX_BLOCK_SIZE / UNIT / 8]; /* a bit a unit */
};

/* Takes a range for one entry or value; false when it lies outside, or some of it is taken. */
static bool take(struct area *area, uint64_t offset, uint64_t size)
{
    if (!range_fits(offset, round_up(size, UNIT), area->size) || offset % UNIT != 0)
        return false;
    for (uint64_t unit = offset / UNIT; unit < divide_up(offset + size, UNIT); unit++) {
        uint8_t bit = (uint8_t)(1u << unit % 8);

        if (area->taken[unit / 8] & bit)
            return false;
        area->taken[unit / 8] |= bit;
    }
    return true;
}

/* Values of the kind that Lustre once made are nobody's charge: their hash is another. */
static int charge(struct area *area, struct ext2_ext_attr_entry *entry, struct xattr_facts *facts,
                  struct error *error)
{
    const struct ext2_super_block *super = area->ext4->fs->super;
    const struct ext4_geometry *geometry = &area->ext4->geometry;
    uint64_t cluster_size = (uint64_t)geometry->block_size * geometry->cluster_blocks;
    __u32 hash, signed_hash;

    if (!ext2fs_has_feature_ea_inode(area->ext4->fs->super) ||
        entry->e_value_inum < EXT2_FIRST_INODE(super) ||
        entry->e_value_inum > super->s_inodes_count)
        return inode_is_damaged(error, area->number,
                                "the value of an extended attribute is said to be inode %" PRIu32,
                                entry->e_value_inum);
    if (ext2fs_ext_attr_hash_entry3(area->ext4->fs, entry, NULL, &hash, &signed_hash))
        return inode_is_damaged(error, area->number,
                                "inode %" PRIu32
                                ", the value of an extended attribute, can't be read",
                                entry->e_value_inum);
    if (entry->e_hash == hash || entry->e_hash == signed_hash)
        facts->charged_clusters += divide_up(entry->e_value_size, cluster_size);
    return 0;
}

static bool has_right_hash(const struct area *area, struct ext2_ext_attr_entry *entry)
{
    uint8_t *value = area->bytes + (entry->e_value_size > 0 ? entry->e_value_offs : 0);

    return (area->is_body && entry->e_hash == 0) ||
           entry->e_hash == ext2fs_ext_attr_hash_entry(entry, value) ||
           entry->e_hash == ext2fs_ext_attr_hash_entry_signed(entry, value);
}

static int check_value(struct area *area, struct ext2_ext_attr_entry *entry,
                       struct xattr_facts *facts, struct error *error)
{
    if (entry->e_value_inum != 0)
        return charge(area, entry, facts, error);
    if (entry->e_value_size > 0 ? !take(area, entry->e_value_offs, entry->e_value_size)
                                : entry->e_value_offs > area->size)
        return inode_is_damaged(error, area->number,
                                "the value of an extended attribute (%" PRIu32
                                " bytes at %u) isn't in its place",
                                entry->e_value_size, entry->e_value_offs);
    if (!has_right_hash(area, entry))
        return inode_is_damaged(error, area->number, "an extended attribute has a wrong hash");
    return 0;
}

static bool is_inline_data(const struct ext2_ext_attr_entry *entry)
{
    return entry->e_name_index == SYSTEM_INDEX && entry->e_name_len == 4 &&
           memcmp(EXT2_EXT_ATTR_NAME(entry), "data", 4) == 0;
}

/* All entries, up to the zeros behind them. */
static int check_area(struct area *area, struct xattr_facts *facts, struct error *error)
{
    size_t offset = area->first;

    while (range_fits(offset, END_SIZE, area->size) && get_le32(area->bytes + offset) != 0) {
        struct ext2_ext_attr_entry *entry = (struct ext2_ext_attr_entry *)(area->bytes + offset);

        if (!range_fits(offset, ENTRY_SIZE, area->size) ||
            !take(area, offset, ENTRY_SIZE + entry->e_name_len) ||
            (!area->is_body && entry->e_name_index == 0))
            return inode_is_damaged(error, area->number, "an extended attribute has no good name");
        if (check_value(area, entry, facts, error))
            return -1;
        facts->has_inline_data |= area->is_body && is_inline_data(entry);
        offset += round_up(ENTRY_SIZE + entry->e_name_len, UNIT);
    }
    return take(area, offset, END_SIZE)
               ? 0
               : inode_is_damaged(error, area->number, "its extended attributes have no end");
}

/* Where the header is in the inode; 0: there is none. */
static size_t find_body(size_t inode_size, const struct ext2_inode_large *inode)
{
    size_t start = EXT2_GOOD_OLD_INODE_SIZE;

    if (inode_size <= start)
        return 0;
    start += inode->i_extra_isize;
    return range_fits(start, 2 * END_SIZE, inode_size) &&
                   get_le32((const uint8_t *)inode + start) == EXT2_EXT_ATTR_MAGIC
               ? start
               : 0;
}

int xattr_check_body(struct ext4 *ext4, uint32_t number, struct ext2_inode_large *inode,
                     struct xattr_facts *facts, struct error *error)
{
    size_t inode_size = EXT2_INODE_SIZE(ext4->fs->super), start = find_body(inode_size, inode);

    if (start == 0)
        return 0;
    return check_area(
        &(struct area){
            .ext4 = ext4,
            .number = number,
            .bytes = (uint8_t *)inode + start + END_SIZE,
            .size = inode_size - start - END_SIZE,
            .is_body = true,
        },
        facts, error);
}

int xattr_check_block(struct ext4 *ext4, uint32_t number, uint64_t place, uint8_t *block,
                      struct xattr_facts *facts, struct error *error)
{
    struct ext2_ext_attr_header *header = (struct ext2_ext_attr_header *)block;
    struct area area = {
        .ext4 = ext4,
        .number = number,
        .bytes = block,
        .size = ext4->fs->blocksize,
        .first = sizeof *header,
    };

    if (header->h_magic != EXT2_EXT_ATTR_MAGIC || header->h_blocks != 1 || header->h_refcount == 0)
        return inode_is_damaged(error, number,
                                "block %" PRIu64 " holds no extended attributes where some "
                                "should be",
                                place);
    if (!ext2fs_ext_attr_block_csum_verify(ext4->fs, number, place, header))
        return inode_is_damaged(
            error, number, "the extended attributes in block %" PRIu64 " have a wrong checksum",
            place);
    take(&area, 0, sizeof *header);
    return check_area(&area, facts, error);
}
