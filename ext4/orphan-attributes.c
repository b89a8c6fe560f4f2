/*
 * Extended attributes of an inode that goes. They lie in the inode, and in a
 * block that inodes with the same attributes share and count; a large value may be
 * an inode of its own, which counts who mentions it, in its time of change (the high half) and
 * its version.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/orphan-inode.h"

#define MAGIC UINT32_C(0xea020000)
#define ENTRY_SIZE 16 /* without its name */
#define ENTRY_VALUE_INODE 4

/* Gives up one mention of an inode that a value lies in. */
static int release_value(struct orphan_work *work, uint32_t number, struct error *error)
{
    CLEANUP(orphan_inode_free) struct orphan_inode value = {0};
    struct ext2_inode_large *inode;
    uint64_t count;

    if (orphan_inode_read(work, number, &value, error))
        return -1;
    inode = value.inode;
    count = (uint64_t)inode->i_ctime << 32 | inode->osd1.linux1.l_i_version;
    if (!(inode->i_flags & EXT4_EA_INODE_FL) || inode->i_file_acl != 0 || count == 0)
        return orphan_bad(error, number, "is named as the value of an extended attribute");
    count--;
    inode->i_ctime = (uint32_t)(count >> 32);
    inode->osd1.linux1.l_i_version = (uint32_t)count;
    return count > 0 ? orphan_inode_write(work, &value, error)
                     : orphan_inode_delete(work, &value, error);
}

/* Entries lie one behind the other, and end with four zeros. Where they stay for somebody else, so
 * do their values, but on the accounts of others. */
static int release_values(struct orphan_work *work, struct orphan_inode *inode,
                          const uint8_t *entry, const uint8_t *end, bool stay, struct error *error)
{
    while (end - entry >= 4 && get_le32(entry) != 0) {
        ptrdiff_t size = ENTRY_SIZE + ((entry[0] + 3) & ~3);
        uint32_t value;

        if (size > end - entry)
            return orphan_bad(error, inode->number, "has extended attributes without an end");
        value = get_le32(entry + ENTRY_VALUE_INODE);
        inode->values += value != 0;
        if (value != 0 && !stay && release_value(work, value, error))
            return -1;
        entry += size;
    }
    return 0;
}

static int release_values_in_inode(struct orphan_work *work, struct orphan_inode *inode,
                                   struct error *error)
{
    const uint8_t *bytes = (const uint8_t *)inode->inode;
    uint32_t size = EXT2_INODE_SIZE(work->space.ext4->fs->super);
    uint32_t start = EXT2_GOOD_OLD_INODE_SIZE + inode->inode->i_extra_isize;

    if (size == EXT2_GOOD_OLD_INODE_SIZE || start + 4 > size || get_le32(bytes + start) != MAGIC)
        return 0;
    return release_values(work, inode, bytes + start + 4, bytes + size, false, error);
}

static int read_block(struct orphan_work *work, const struct orphan_inode *inode, uint64_t place,
                      uint8_t *block, struct error *error)
{
    struct ext4 *ext4 = work->space.ext4;
    struct ext2_ext_attr_header *header = (struct ext2_ext_attr_header *)block;
    errcode_t code;

    if (place <= ext4->geometry.first_block || place >= ext4->geometry.blocks)
        return orphan_bad(error, inode->number, "has extended attributes in no block");
    code = io_channel_read_blk64(ext4->fs->io, place, 1, block);
    if (code)
        return ext4_set_error(error, &ext4->io, code, "cannot read extended attributes");
    if (header->h_magic != MAGIC || header->h_blocks != 1 || header->h_refcount == 0 ||
        !ext2fs_ext_attr_block_csum_verify(ext4->fs, inode->number, place, header))
        return orphan_bad(error, inode->number, "has a block of extended attributes that is none");
    return 0;
}

/* One mention less, or the block goes. */
static int release_block(struct orphan_work *work, struct orphan_inode *inode, uint64_t place,
                         struct error *error)
{
    struct ext4 *ext4 = work->space.ext4;
    uint32_t block_size = ext4->geometry.block_size;
    CLEANUP_FREE uint8_t *block = malloc(block_size);
    struct ext2_ext_attr_header *header = (struct ext2_ext_attr_header *)block;
    errcode_t code;

    if (!block)
        return error_set_no_memory(error);
    if (read_block(work, inode, place, block, error))
        return -1;
    if (ext2fs_has_feature_ea_inode(ext4->fs->super) &&
        release_values(work, inode, block + sizeof *header, block + block_size,
                       header->h_refcount > 1, error))
        return -1;
    if (header->h_refcount == 1) {
        struct ext4_run run = {round_down(place, ext4->geometry.cluster_blocks),
                               ext4->geometry.cluster_blocks};

        return orphan_space_release(&work->space, run, error);
    }
    header->h_refcount--;
    code = ext2fs_ext_attr_block_csum_set(ext4->fs, inode->number, place, header);
    if (code == 0)
        code = io_channel_write_blk64(ext4->fs->io, place, 1, block);
    return code ? ext4_set_error(error, &ext4->io, code, "cannot write extended attributes") : 0;
}

int orphan_release_attributes(struct orphan_work *work, struct orphan_inode *inode,
                              struct error *error)
{
    ext2_filsys fs = work->space.ext4->fs;
    struct ext2_inode *small = (struct ext2_inode *)inode->inode;
    uint64_t place = ext2fs_file_acl_block(fs, small);

    if (ext2fs_has_feature_ea_inode(fs->super) && !(inode->inode->i_flags & EXT4_EA_INODE_FL) &&
        release_values_in_inode(work, inode, error))
        return -1;
    if (place != 0 && release_block(work, inode, place, error))
        return -1;
    ext2fs_file_acl_block_set(fs, small, 0);
    return 0;
}
