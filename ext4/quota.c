/*
 * A quota file is a tree of blocks of 1 KiB, whatever the filesystem's are: the first
 * is the header, the second the root, four levels of references by one byte of the id each lead to
 * a block of records.
 */
#include "ext4/quota.h"

#include <inttypes.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/block-map.h"
#include "ext4/inode-table.h"
#include "image-format/disk.h"

#define BLOCK_SIZE 1024
#define LEVELS 4
#define VERSION 1
#define INFO_BLOCKS 20 /* in the header: how many blocks the file has */
#define RECORDS 16     /* where they begin in their block */
#define RECORD_SIZE 72
#define RECORD_INODES 24
#define RECORD_BYTES 48
#define RECORD_INODE_TIME 64

enum quota_kind { QUOTA_USER, QUOTA_GROUP, QUOTA_PROJECT, QUOTA_KINDS };

static const uint32_t magics[QUOTA_KINDS] = {0xd9c01f11, 0xd9c01927, 0xd9c03f14};
static const char *const names[QUOTA_KINDS] = {"user", "group", "project"};

struct quota_file {
    struct ext4 *ext4;
    struct ext4_block_map map;
    enum quota_kind kind;
    uint64_t blocks; /* of 1 KiB */
};

static void cleanup_file_map(struct quota_file *file)
{
    ext4_block_map_free(&file->map);
}

static uint32_t file_inode(const struct ext4 *ext4, enum quota_kind kind)
{
    const struct ext2_super_block *super = ext4->fs->super;
    const uint32_t inodes[QUOTA_KINDS] = {super->s_usr_quota_inum, super->s_grp_quota_inum,
                                          super->s_prj_quota_inum};

    return inodes[kind];
}

static int damaged(const struct quota_file *file, const char *what, struct error *error)
{
    error_set(error, ERROR_CORRUPT, "the %s quota file is damaged: %s", names[file->kind], what);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

/* Where block index lies, in bytes of the disk. */
static int find_block(const struct quota_file *file, uint64_t index, uint64_t *ret_offset,
                      struct error *error)
{
    uint64_t block_size = file->ext4->geometry.block_size;
    uint64_t logical = index * BLOCK_SIZE / block_size, within = index * BLOCK_SIZE % block_size;

    for (size_t i = 0; i < file->map.count; i++) {
        const struct ext4_mapping *mapping = &file->map.mappings[i];

        if (logical >= mapping->logical && logical - mapping->logical < mapping->count &&
            !mapping->unwritten) {
            *ret_offset = (mapping->start + logical - mapping->logical) * block_size + within;
            return 0;
        }
    }
    return damaged(file, "it has a hole", error);
}

static int read_block(const struct quota_file *file, uint64_t index, uint8_t *block,
                      uint64_t *ret_offset, struct error *error)
{
    if (index >= file->blocks)
        return damaged(file, "a reference leads outside of it", error);
    return find_block(file, index, ret_offset, error) ||
                   disk_read(file->ext4->io.disk, *ret_offset, block, BLOCK_SIZE, error)
               ? -1
               : 0;
}

/* Its map, and its header. */
static int open_file(struct quota_file *file, struct error *error)
{
    CLEANUP_FREE uint8_t *bytes = calloc(1, EXT4_INODE_BYTES(file->ext4));
    struct ext2_inode_large *inode = (struct ext2_inode_large *)(void *)bytes;
    uint32_t number = file_inode(file->ext4, file->kind);
    uint8_t header[BLOCK_SIZE];
    uint64_t size, offset;

    if (!bytes)
        return error_set_no_memory(error);
    if (number > file->ext4->fs->super->s_inodes_count)
        return damaged(file, "the superblock has an impossible inode for it", error);
    if (ext4_inodes_read(file->ext4, number, 1, bytes, error) ||
        ext4_inode_check(file->ext4, number, bytes, error))
        return -1;
    if (!ext4_inode_maps_blocks(file->ext4->fs, inode))
        return damaged(file, "it has no blocks", error);
    if (ext4_block_map_read(file->ext4, number, inode, &file->map, error))
        return -1;
    size = EXT2_I_SIZE(inode);
    file->blocks = size / BLOCK_SIZE;
    if (read_block(file, 0, header, &offset, error))
        return -1;
    if (get_le32(header) != magics[file->kind] || get_le32(header + 4) != VERSION)
        return damaged(file, "its header is none", error);
    if (get_le32(header + INFO_BLOCKS) > file->blocks)
        return damaged(file, "its header has more blocks than its inode", error);
    file->blocks = get_le32(header + INFO_BLOCKS);
    return 0;
}

/* Down the tree. A reference of 0 is none. */
static int find_records(const struct quota_file *file, uint32_t id, uint8_t *block,
                        uint64_t *ret_offset, struct error *error)
{
    uint32_t index = 1;

    for (int level = 0; level < LEVELS; level++) {
        if (read_block(file, index, block, ret_offset, error))
            return -1;
        index = get_le32(block + 4 * (size_t)(id >> 8 * (LEVELS - 1 - level) & 0xff));
        if (index == 0)
            return damaged(file, "an owner of files isn't in it", error);
    }
    return read_block(file, index, block, ret_offset, error);
}

/* amount more, or less. */
static int change_field(const struct quota_file *file, uint8_t *field, int64_t amount,
                        struct error *error)
{
    uint64_t value = get_le64(field), less = amount < 0 ? 0 - (uint64_t)amount : 0;

    if (value < less || !checked_add(value - less, amount > 0 ? (uint64_t)amount : 0, &value))
        return damaged(file, "an owner of files has less in it than these take up", error);
    put_le64(field, value);
    return 0;
}

static int change_record(const struct quota_file *file, uint32_t id, int64_t bytes, int64_t inodes,
                         struct error *error)
{
    uint8_t block[BLOCK_SIZE], *record = block + RECORDS;
    uint64_t offset;
    errcode_t code;

    if (find_records(file, id, block, &offset, error))
        return -1;
    /* One that is all zeros is free, and no record of id 0. */
    while (record + RECORD_SIZE <= block + BLOCK_SIZE &&
           (get_le32(record) != id || bytes_are_zero(record, RECORD_SIZE)))
        record += RECORD_SIZE;
    if (record + RECORD_SIZE > block + BLOCK_SIZE)
        return damaged(file, "an owner of files has no record where one should be", error);
    if (change_field(file, record + RECORD_BYTES, bytes, error) ||
        change_field(file, record + RECORD_INODES, inodes, error))
        return -1;
    /* As the kernel does: a time of 1 keeps it from being a free one. */
    if (bytes_are_zero(record, RECORD_SIZE))
        put_le64(record + RECORD_INODE_TIME, 1);
    code = io_channel_write_byte(file->ext4->fs->io, offset + (uint64_t)(record - block),
                                 RECORD_SIZE, record);
    return code ? ext4_set_error(error, &file->ext4->io, code, "cannot write the %s quota file",
                                 names[file->kind])
                : 0;
}

/* Inodes that have no place for a project are of project 0. */
static uint32_t project_of(const struct ext4 *ext4, const struct ext2_inode_large *inode)
{
    size_t end = offsetof(struct ext2_inode_large, i_projid) + sizeof inode->i_projid;
    bool fits = EXT2_INODE_SIZE(ext4->fs->super) > EXT2_GOOD_OLD_INODE_SIZE &&
                EXT2_GOOD_OLD_INODE_SIZE + (size_t)inode->i_extra_isize >= end;

    return fits ? inode->i_projid : 0;
}

bool ext4_quota_counts(const struct ext4 *ext4, uint32_t number,
                       const struct ext2_inode_large *inode)
{
    const struct ext2_super_block *super = ext4->fs->super;

    for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++)
        if (number == file_inode(ext4, kind))
            return false;
    return (number == EXT2_ROOT_INO || number >= EXT2_FIRST_INODE(super)) &&
           number != super->s_orphan_file_inum && !(inode->i_flags & EXT4_EA_INODE_FL);
}

int ext4_quota_add(struct ext4 *ext4, const struct ext2_inode_large *inode, int64_t bytes,
                   int64_t inodes, struct error *error)
{
    uint32_t ids[QUOTA_KINDS];

    if (!ext2fs_has_feature_quota(ext4->fs->super) || (bytes == 0 && inodes == 0))
        return 0;
    ids[QUOTA_USER] = inode_uid(*inode);
    ids[QUOTA_GROUP] = inode_gid(*inode);
    ids[QUOTA_PROJECT] = project_of(ext4, inode);
    for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++) {
        CLEANUP(cleanup_file_map) struct quota_file file = {.ext4 = ext4, .kind = kind};

        if (file_inode(ext4, kind) != 0 &&
            (open_file(&file, error) || change_record(&file, ids[kind], bytes, inodes, error)))
            return -1;
    }
    return 0;
}
