#include "ext4/inode-table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "image-format/disk.h"

#define ZERO_PIECE (64 * 1024)

uint32_t ext4_inode_group(const struct ext4 *ext4, uint32_t number)
{
    return (number - 1) / ext4->geometry.group_inodes;
}

uint32_t ext4_inode_index(const struct ext4 *ext4, uint32_t number)
{
    return (number - 1) % ext4->geometry.group_inodes;
}

uint64_t ext4_inode_offset(const struct ext4 *ext4, uint32_t number)
{
    uint64_t table = ext2fs_inode_table_loc(ext4->fs, ext4_inode_group(ext4, number));

    return table * ext4->geometry.block_size +
           ext4_inode_index(ext4, number) * (uint64_t)EXT2_INODE_SIZE(ext4->fs->super);
}

uint32_t ext4_inodes_initialised(const struct ext4 *ext4, uint32_t group)
{
    uint32_t all = ext4->geometry.group_inodes, unused;

    if (!ext4->geometry.has_group_checksums)
        return all;
    if (ext2fs_bg_flags_test(ext4->fs, group, EXT2_BG_INODE_UNINIT))
        return 0;
    unused = ext2fs_bg_itable_unused(ext4->fs, group);
    return unused < all ? all - unused : 0;
}

int ext4_inodes_read(struct ext4 *ext4, uint32_t number, uint32_t count, uint8_t *bytes,
                     struct error *error)
{
    if (disk_read(ext4->io.disk, ext4_inode_offset(ext4, number), bytes,
                  (size_t)count * EXT2_INODE_SIZE(ext4->fs->super), error))
        return error_wrap(error, "cannot read inode %" PRIu32, number);
    return 0;
}

int ext4_inode_check(struct ext4 *ext4, uint32_t number, uint8_t *bytes, struct error *error)
{
    if (ext2fs_inode_csum_verify(ext4->fs, number, (struct ext2_inode_large *)(void *)bytes))
        return 0;
    error_set(error, ERROR_CORRUPT, "inode %" PRIu32 " has a wrong checksum", number);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

static int write_bytes(struct ext4 *ext4, uint64_t offset, const void *bytes, size_t size,
                       uint32_t number, struct error *error)
{
    errcode_t code = io_channel_write_byte(ext4->fs->io, offset, (int)size, bytes);

    return code ? ext4_set_error(error, &ext4->io, code, "cannot write inode %" PRIu32, number) : 0;
}

int ext4_inode_write(struct ext4 *ext4, uint32_t number, uint8_t *bytes, struct error *error)
{
    errcode_t code =
        ext2fs_inode_csum_set(ext4->fs, number, (struct ext2_inode_large *)(void *)bytes);

    if (code)
        return ext4_set_error(error, &ext4->io, code, "inode %" PRIu32 " can't have a checksum",
                              number);
    return write_bytes(ext4, ext4_inode_offset(ext4, number), bytes,
                       EXT2_INODE_SIZE(ext4->fs->super), number, error);
}

int ext4_inodes_zero(struct ext4 *ext4, uint32_t number, uint32_t count, struct error *error)
{
    CLEANUP_FREE uint8_t *bytes = malloc(ZERO_PIECE);
    uint64_t offset = ext4_inode_offset(ext4, number);
    uint64_t end = offset + count * (uint64_t)EXT2_INODE_SIZE(ext4->fs->super);

    if (!bytes)
        return error_set_no_memory(error);
    while (offset < end) {
        size_t piece = (size_t)min_u64(end - offset, ZERO_PIECE);

        if (disk_read(ext4->io.disk, offset, bytes, piece, error))
            return error_wrap(error, "cannot read the inode table at inode %" PRIu32, number);
        if (!bytes_are_zero(bytes, piece)) {
            memset(bytes, 0, piece);
            if (write_bytes(ext4, offset, bytes, piece, number, error))
                return -1;
        }
        offset += piece;
    }
    return 0;
}

/* Bits behind the last inode, to the end of the block, are ones. */
static void set_padding(const struct ext4 *ext4, uint8_t *bitmap)
{
    uint32_t inodes = ext4->geometry.group_inodes; /* a multiple of 8, by ext4_geometry_read */

    memset(bitmap + inodes / 8, 0xff, ext4->geometry.block_size - inodes / 8);
}

int ext4_inode_bitmap_read(struct ext4 *ext4, uint32_t group, uint8_t *bitmap, struct error *error)
{
    uint32_t block_size = ext4->geometry.block_size;

    if (ext4->geometry.has_group_checksums &&
        ext2fs_bg_flags_test(ext4->fs, group, EXT2_BG_INODE_UNINIT)) {
        memset(bitmap, 0, block_size);
        set_padding(ext4, bitmap);
        return 0;
    }
    if (disk_read(ext4->io.disk, ext2fs_inode_bitmap_loc(ext4->fs, group) * block_size, bitmap,
                  block_size, error))
        return error_wrap(error, "cannot read the inode bitmap of group %" PRIu32, group);
    if (ext2fs_inode_bitmap_csum_verify(ext4->fs, group, (char *)bitmap,
                                        (int)ext4->geometry.group_inodes / 8))
        return 0;
    error_set(error, ERROR_CORRUPT, "the inode bitmap of group %" PRIu32 " has a wrong checksum",
              group);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

int ext4_inode_bitmap_write(struct ext4 *ext4, uint32_t group, uint8_t *bitmap, struct error *error)
{
    uint32_t inodes = ext4->geometry.group_inodes, free_inodes = 0, last = 0;
    ext2_filsys fs = ext4->fs;
    errcode_t code;

    set_padding(ext4, bitmap);
    for (uint32_t i = 0; i < inodes; i++) {
        if (ext4_bit(bitmap, i))
            last = i + 1;
        else
            free_inodes++;
    }
    ext2fs_bg_free_inodes_count_set(fs, group, free_inodes);
    if (ext4->geometry.has_group_checksums) {
        if (last > ext4_inodes_initialised(ext4, group))
            ext2fs_bg_itable_unused_set(fs, group, inodes - last);
        ext2fs_bg_flags_clear(fs, group, EXT2_BG_INODE_UNINIT);
    }
    code = ext2fs_inode_bitmap_csum_set(fs, group, (char *)bitmap, (int)inodes / 8);
    ext2fs_group_desc_csum_set(fs, group);
    if (code == 0)
        code = io_channel_write_blk64(fs->io, ext2fs_inode_bitmap_loc(fs, group), 1, bitmap);
    return code ? ext4_set_error(error, &ext4->io, code,
                                 "cannot write the inode bitmap of group %" PRIu32, group)
                : 0;
}
