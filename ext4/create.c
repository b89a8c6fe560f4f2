/*
 * The order of things is mkfs.ext4's, since what is allocated first lies
 * first: tables, root, lost+found, resize inode, journal, and then the tree.
 *
 * Where mkfs.ext4 leaves inode tables to the kernel's background zeroing, they
 * are made zeros here: in an image that costs nothing, and the first mount of
 * the image has nothing to do that would inflate it.
 */
#include "ext4/create.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "ext4/create-layout.h"
#include "ext4/io.h"
#include "ext4/tree-host.h"
#include "image-format/disk.h"

#define LOST_AND_FOUND_SIZE (16 * KIB)
#define JOURNAL_ANYWHERE (~UINT64_C(0))

static int refuse_too_small(uint64_t size, struct error *error)
{
    char text[SIZE_TEXT_SIZE];

    size_format(size, text);
    return error_set(error, ERROR_REFUSED, "%s are too little for ext4", text);
}

/* What libext2fs says of a disk that can't hold even an empty filesystem. */
static bool means_too_small(errcode_t code)
{
    return code == EXT2_ET_TOOSMALL || code == EXT2_ET_TOO_MANY_INODES ||
           code == EXT2_ET_INVALID_ARGUMENT || code == EXT2_ET_BLOCK_ALLOC_FAIL ||
           code == EXT2_ET_INODE_ALLOC_FAIL || code == EXT2_ET_BAD_INODE_NUM;
}

static int set_create_error(const struct ext4_io *io, errcode_t code, const char *what,
                            struct error *error)
{
    if (io->first_error.kind == ERROR_NONE && means_too_small(code))
        return refuse_too_small(io->disk->size, error);
    return ext4_set_error(error, io, code, "can't make %s", what);
}

/* The fields that ext2fs_initialize doesn't take over from its parameters. */
static void set_identity(ext2_filsys fs, const struct ext4_create_options *options)
{
    struct ext2_super_block *super = fs->super;

    fs->now = options->time > 0 ? options->time : 1; /* 0 would mean the present */
    super->s_mkfs_time = (uint32_t)fs->now;
    super->s_lastcheck = (uint32_t)fs->now;
    memcpy(super->s_uuid, options->uuid, sizeof super->s_uuid);
    ext2fs_init_csum_seed(fs);
    memcpy(super->s_hash_seed, options->hash_seed, sizeof super->s_hash_seed);
    super->s_def_hash_version = EXT2_HASH_HALF_MD4;
    super->s_max_mnt_count = -1; /* no periodic checks */
    super->s_checksum_type = EXT2_CRC32C_CHKSUM;
    super->s_kbytes_written = 1;
    memset(super->s_volume_name, 0, sizeof super->s_volume_name);
    if (options->label)
        memcpy(super->s_volume_name, options->label,
               strnlen(options->label, sizeof super->s_volume_name));
}

/* In the fewest ranges: tables of a flex group follow one another. */
static errcode_t zero_inode_tables(ext2_filsys fs)
{
    blk64_t start = 0, end = 0;
    errcode_t code = 0;

    for (dgrp_t group = 0; group < fs->group_desc_count && !code; group++) {
        blk64_t table = ext2fs_inode_table_loc(fs, group);

        if (table != end) {
            if (end > start)
                code = io_channel_zeroout(fs->io, start, end - start);
            start = table;
        }
        end = table + fs->inode_blocks_per_group;
        ext2fs_bg_flags_set(fs, group, EXT2_BG_INODE_ZEROED);
        ext2fs_group_desc_csum_set(fs, group);
    }
    return code ? code : io_channel_zeroout(fs->io, start, end - start);
}

/* Inodes that nobody may use have checksums all the same. */
static errcode_t write_reserved_inodes(ext2_filsys fs)
{
    CLEANUP_FREE struct ext2_inode *empty = calloc(1, EXT2_INODE_SIZE(fs->super));
    errcode_t code = empty ? 0 : EXT2_ET_NO_MEMORY;

    for (ext2_ino_t ino = 1; ino < EXT2_FIRST_INODE(fs->super) && !code; ino++)
        code = ext2fs_write_inode_full(fs, ino, empty, EXT2_INODE_SIZE(fs->super));
    return code;
}

static errcode_t make_lost_and_found(ext2_filsys fs)
{
    static const char name[] = "lost+found";
    uint64_t size = max_u64(LOST_AND_FOUND_SIZE, 2 * (uint64_t)fs->blocksize);
    uint64_t blocks = min_u64(size / fs->blocksize, EXT2_NDIR_BLOCKS);
    errcode_t code;
    ext2_ino_t ino = 0;

    fs->umask = 077;
    code = ext2fs_mkdir(fs, EXT2_ROOT_INO, 0, name);
    if (!code)
        code = ext2fs_lookup(fs, EXT2_ROOT_INO, name, (int)strlen(name), NULL, &ino);
    for (uint64_t count = 1; count < blocks && !code; count++)
        code = ext2fs_expand_dir(fs, ino);
    return code;
}

static errcode_t make_reserved_files(ext2_filsys fs)
{
    for (ext2_ino_t ino = EXT2_ROOT_INO + 1; ino < EXT2_FIRST_INODE(fs->super); ino++)
        ext2fs_inode_alloc_stats2(fs, ino, +1, 0);
    ext2fs_inode_alloc_stats2(fs, EXT2_BAD_INO, +1, 0);
    return ext2fs_update_bb_inode(fs, NULL);
}

static errcode_t make_journal(ext2_filsys fs, const struct ext2fs_journal_params *parameters)
{
    if (parameters->num_journal_blocks == 0) { /* a journal would take half the disk */
        ext2fs_clear_feature_journal(fs->super);
        return 0;
    }
    return ext2fs_add_journal_inode3(fs, (struct ext2fs_journal_params *)parameters,
                                     JOURNAL_ANYWHERE, EXT2_MKJOURNAL_NO_MNT_CHECK);
}

static int make_tables(ext2_filsys fs, const struct ext4_io *io, blk64_t *ret_overhead,
                       struct error *error)
{
    errcode_t code = ext2fs_allocate_tables(fs);

    if (!code)
        code = ext2fs_count_used_clusters(fs, fs->super->s_first_data_block,
                                          ext2fs_blocks_count(fs->super) - 1, ret_overhead);
    if (!code)
        code = zero_inode_tables(fs);
    if (!code)
        code = write_reserved_inodes(fs);
    return code ? set_create_error(io, code, "the group tables", error) : 0;
}

static int make_directories(ext2_filsys fs, const struct ext4_io *io, struct error *error)
{
    errcode_t code = ext2fs_mkdir(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, NULL);

    if (!code)
        code = make_lost_and_found(fs);
    if (!code)
        code = make_reserved_files(fs);
    if (!code && ext2fs_has_feature_resize_inode(fs->super))
        code = ext2fs_create_resize_inode(fs);
    return code ? set_create_error(io, code, "the first directories", error) : 0;
}

static int fill(ext2_filsys fs, const struct ext4_io *io, const struct ext4_create_options *options,
                struct error *error)
{
    struct ext2fs_journal_params journal = {0};
    blk64_t overhead = 0;
    errcode_t code;

    set_identity(fs, options);
    if (ext2fs_get_journal_params(&journal, fs))
        journal = (struct ext2fs_journal_params){0};
    if (make_tables(fs, io, &overhead, error) || make_directories(fs, io, error))
        return -1;
    code = make_journal(fs, &journal);
    if (code)
        return set_create_error(io, code, "the journal", error);
    fs->super->s_overhead_clusters =
        (uint32_t)(overhead + journal.num_journal_blocks + journal.num_fc_blocks +
                   fs->super->s_first_data_block);
    return options->from ? ext4_tree_from_host(fs, io, options->from, error) : 0;
}

int ext4_create(struct disk *disk, const struct ext4_create_options *options, struct error *error)
{
    struct ext4_io io = {.disk = disk};
    struct ext2_super_block parameters;
    char name[EXT4_IO_NAME_SIZE];
    CLEANUP(cleanup_ext4) ext2_filsys fs = NULL;
    errcode_t code;

    if (ext4_layout_plan(disk->size, &parameters, error))
        return -1;
    ext4_io_name(&io, name);
    code = ext2fs_initialize(name, EXT2_FLAG_EXCLUSIVE | EXT2_FLAG_64BITS, &parameters,
                             &ext4_io_manager, &fs);
    if (code) {
        fs = NULL;
        return set_create_error(&io, code, "an empty filesystem", error);
    }
    if (fill(fs, &io, options, error))
        return -1;
    code = ext2fs_close_free(&fs);
    return code ? ext4_set_error(error, &io, code, "can't write the filesystem") : 0;
}
