#include "ext4/preflight.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "ext4/bitmaps.h"
#include "ext4/descriptors.h"
#include "ext4/journal.h"
#include "image-format/disk.h"

/* Filesystem and libext2fs have the same byte order in memory here. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a little-endian machine is expected");
_Static_assert(sizeof(struct ext2_super_block) == SUPERBLOCK_SIZE, "the superblock has 1 KiB");

#define KNOWN_INCOMPAT                                                                         \
    (EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_RECOVER |                          \
     EXT3_FEATURE_INCOMPAT_JOURNAL_DEV | EXT2_FEATURE_INCOMPAT_META_BG |                       \
     EXT3_FEATURE_INCOMPAT_EXTENTS | EXT4_FEATURE_INCOMPAT_64BIT | EXT4_FEATURE_INCOMPAT_MMP | \
     EXT4_FEATURE_INCOMPAT_FLEX_BG | EXT4_FEATURE_INCOMPAT_EA_INODE |                          \
     EXT4_FEATURE_INCOMPAT_CSUM_SEED | EXT4_FEATURE_INCOMPAT_LARGEDIR |                        \
     EXT4_FEATURE_INCOMPAT_INLINE_DATA | EXT4_FEATURE_INCOMPAT_ENCRYPT |                       \
     EXT4_FEATURE_INCOMPAT_CASEFOLD)

#define KNOWN_RO_COMPAT                                                        \
    (EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE | \
     EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_GDT_CSUM |      \
     EXT4_FEATURE_RO_COMPAT_DIR_NLINK | EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE |   \
     EXT4_FEATURE_RO_COMPAT_QUOTA | EXT4_FEATURE_RO_COMPAT_BIGALLOC |          \
     EXT4_FEATURE_RO_COMPAT_METADATA_CSUM | EXT4_FEATURE_RO_COMPAT_PROJECT |   \
     EXT4_FEATURE_RO_COMPAT_VERITY | EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT)

/* What the rows of the table look at. */
struct candidate {
    const struct ext2_super_block *super;
    uint64_t disk_blocks; /* whole blocks that the disk has */
    uint64_t found;       /* set by a row: the value to report */
};

static bool has_unknown_incompat(struct candidate *candidate)
{
    candidate->found = candidate->super->s_feature_incompat & ~(uint32_t)KNOWN_INCOMPAT;
    return candidate->found != 0;
}

static bool has_unknown_ro_compat(struct candidate *candidate)
{
    candidate->found = candidate->super->s_feature_ro_compat & ~(uint32_t)KNOWN_RO_COMPAT;
    return candidate->found != 0;
}

static bool is_journal_device(struct candidate *candidate)
{
    return candidate->super->s_feature_incompat & EXT3_FEATURE_INCOMPAT_JOURNAL_DEV;
}

static bool has_external_journal(struct candidate *candidate)
{
    return candidate->super->s_feature_compat & EXT3_FEATURE_COMPAT_HAS_JOURNAL &&
           candidate->super->s_journal_inum == 0;
}

static bool needs_recovery(struct candidate *candidate)
{
    return candidate->super->s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER;
}

static bool has_errors(struct candidate *candidate)
{
    return candidate->super->s_state & EXT2_ERROR_FS;
}

static bool was_not_unmounted(struct candidate *candidate)
{
    return !(candidate->super->s_state & EXT2_VALID_FS);
}

static bool has_orphans(struct candidate *candidate)
{
    candidate->found = candidate->super->s_last_orphan;
    return candidate->found != 0 ||
           candidate->super->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT;
}

static bool has_reserved_without_inode(struct candidate *candidate)
{
    candidate->found = candidate->super->s_reserved_gdt_blocks;
    return candidate->found != 0 &&
           !(candidate->super->s_feature_compat & EXT2_FEATURE_COMPAT_RESIZE_INODE);
}

static bool is_larger_than_disk(struct candidate *candidate)
{
    candidate->found = candidate->super->s_blocks_count;
    if (candidate->super->s_feature_incompat & EXT4_FEATURE_INCOMPAT_64BIT)
        candidate->found |= (uint64_t)candidate->super->s_blocks_count_hi << 32;
    return candidate->found > candidate->disk_blocks;
}

static bool reserves_too_much(struct candidate *candidate)
{
    const struct ext2_super_block *super = candidate->super;
    bool is_64bit = super->s_feature_incompat & EXT4_FEATURE_INCOMPAT_64BIT;
    uint64_t blocks = super->s_blocks_count;

    candidate->found = super->s_r_blocks_count;
    if (is_64bit) {
        candidate->found |= (uint64_t)super->s_r_blocks_count_hi << 32;
        blocks |= (uint64_t)super->s_blocks_count_hi << 32;
    }
    return candidate->found > blocks;
}

static bool has_odd_first_inode(struct candidate *candidate)
{
    candidate->found = candidate->super->s_first_ino;
    return candidate->super->s_rev_level != EXT2_GOOD_OLD_REV &&
           (candidate->found < EXT2_GOOD_OLD_FIRST_INO ||
            candidate->found > candidate->super->s_inodes_count);
}

struct refusal {
    bool (*applies)(struct candidate *candidate);
    const char *sentence; /* %PRIu64-free: one %llx or %llu for candidate->found at most */
    const char *remedy;
};

static const char fsck_remedy[] = "run `e2fsck -f` on the filesystem";
static const char mount_remedy[] = "mount it once where it is used (in WSL: start the "
                                   "distribution, then `wsl --shutdown`), or run `e2fsck -f`";

static const struct refusal refusals[] = {
    {has_unknown_incompat,
     "the filesystem has incompatible features that are unknown here (0x%llx)", ""},
    {has_unknown_ro_compat,
     "the filesystem has features that are unknown here and forbid changing it (0x%llx)", ""},
    {is_journal_device, "it is the external journal of an ext4 filesystem, and no filesystem", ""},
    {has_external_journal,
     "the filesystem's journal lies on another device, which can't be looked at",
     "move the journal inside with `tune2fs -O ^has_journal` and `tune2fs -j`"},
    {needs_recovery,
     "the filesystem's journal holds changes that have yet to be replayed (it wasn't unmounted)",
     mount_remedy},
    {has_errors, "the filesystem is marked as having errors", fsck_remedy},
    {was_not_unmounted, "the filesystem was not unmounted cleanly", mount_remedy},
    {has_orphans,
     "the filesystem has deleted files that have yet to be cleaned up (orphan list: inode %llu)",
     mount_remedy},
    {has_reserved_without_inode,
     "the filesystem has %llu reserved descriptor blocks and no resize inode that owns them",
     fsck_remedy},
    {reserves_too_much, "the filesystem keeps %llu blocks for root, which is more than it has",
     fsck_remedy},
    {has_odd_first_inode, "the filesystem's first inode for files can't be %llu", fsck_remedy},
    {is_larger_than_disk, "the filesystem has %llu blocks, which is more than the disk has",
     "expand the disk to the size it had"},
};

/* Whether recovery does away with what a row finds. */
static bool is_recovered(const struct refusal *row)
{
    return row->applies == needs_recovery || row->applies == has_orphans;
}

static int check_table(struct candidate *candidate, bool recovering, struct error *error)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *row = &refusals[i];
        char sentence[256];

        if ((recovering && is_recovered(row)) || !row->applies(candidate))
            continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(sentence, sizeof sentence, row->sentence, (unsigned long long)candidate->found);
#pragma GCC diagnostic pop
        error_set(error, ERROR_REFUSED, "%s", sentence);
        if (row->remedy[0])
            error_set_remedy(error, "%s", row->remedy);
        return -1;
    }
    return 0;
}

static int read_super(struct disk *disk, struct ext2_super_block *ret_super, bool *ret_is_there,
                      struct error *error)
{
    *ret_is_there = false;
    if (disk->size < SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE)
        return 0;
    if (disk_read(disk, SUPERBLOCK_OFFSET, ret_super, sizeof *ret_super, error))
        return -1;
    *ret_is_there = ret_super->s_magic == EXT2_SUPER_MAGIC;
    return 0;
}

int ext4_is_there(struct disk *disk, bool *ret_is_there, struct error *error)
{
    struct ext2_super_block super;

    return read_super(disk, &super, ret_is_there, error);
}

/* Another host may have it mounted: only a clean sequence number says that nobody has. */
static int check_multiple_mount(struct disk *disk, const struct ext2_super_block *super,
                                const struct ext4_geometry *geometry, const char *remedy,
                                struct error *error)
{
    struct mmp_struct mmp;

    if (!(super->s_feature_incompat & EXT4_FEATURE_INCOMPAT_MMP))
        return 0;
    if (super->s_mmp_block <= geometry->first_block || super->s_mmp_block >= geometry->blocks)
        return error_set(error, ERROR_CORRUPT,
                         "the superblock's s_mmp_block is %" PRIu64 " (a block expected)",
                         (uint64_t)super->s_mmp_block);
    if (disk_read(disk, super->s_mmp_block * geometry->block_size, &mmp, sizeof mmp, error))
        return -1;
    if (mmp.mmp_magic == EXT4_MMP_MAGIC && mmp.mmp_seq == EXT4_MMP_SEQ_CLEAN)
        return 0;
    error_set(error, ERROR_BUSY,
              "the filesystem's multiple-mount protection says that it is in use (sequence 0x%x)",
              mmp.mmp_seq);
    return error_set_remedy(error, "%s", remedy);
}

/* No descriptor is all zeros: as many groups as the superblock claims are there, before memory
 * is taken for them. */
static int check_groups_are_there(struct disk *disk, const struct ext4_geometry *geometry,
                                  struct error *error)
{
    uint32_t descriptor_size = geometry->block_size / geometry->descriptors;
    uint8_t block[EXT2_MAX_BLOCK_SIZE];

    for (uint32_t group = 0; group < geometry->groups; group++) {
        uint32_t index = group / geometry->descriptors, within = group % geometry->descriptors;
        uint64_t place = ext4_descriptor_block(geometry, index);

        if (within == 0 &&
            disk_read(disk, place * geometry->block_size, block, geometry->block_size, error))
            return -1;
        if (bytes_are_zero(block + (size_t)within * descriptor_size, descriptor_size)) {
            error_set(error, ERROR_CORRUPT,
                      "the descriptor of group %" PRIu32 " is all zeros (its tables expected)",
                      group);
            return error_set_remedy(error, "%s", fsck_remedy);
        }
    }
    return 0;
}

static int open_fs(struct disk *disk, struct ext4 *ext4, struct error *error)
{
    char name[EXT4_IO_NAME_SIZE];
    errcode_t code;

    ext4->io = (struct ext4_io){
        .disk = disk,
        .committed_size = ext4->geometry.blocks * ext4->geometry.block_size,
    };
    ext4_io_name(&ext4->io, name);
    code = ext2fs_open2(name, NULL, EXT2_FLAG_RW | EXT2_FLAG_64BITS | EXT2_FLAG_SKIP_MMP, 0, 0,
                        &ext4_io_manager, &ext4->fs);
    if (code) {
        ext4->fs = NULL;
        ext4_set_error(error, &ext4->io, code, "the filesystem can't be opened");
        return error_set_remedy(error, "%s", fsck_remedy);
    }
    ext4->fs->priv_data = &ext4->io;
    return 0;
}

static int check_checksum(const struct ext2_super_block *super, struct error *error)
{
    uint32_t computed = ext2fs_crc32c_le(~UINT32_C(0), (const unsigned char *)super,
                                         offsetof(struct ext2_super_block, s_checksum));

    if (!(super->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_METADATA_CSUM) ||
        super->s_checksum == computed)
        return 0;
    error_set(error, ERROR_CORRUPT, "the superblock has a wrong checksum (0x%x expected)",
              computed);
    return error_set_remedy(error, "%s", fsck_remedy);
}

static int read_candidate(struct disk *disk, bool recovering, struct ext2_super_block *ret_super,
                          struct ext4_geometry *ret_geometry, struct error *error)
{
    struct candidate candidate = {.super = ret_super};
    bool is_there;

    if (read_super(disk, ret_super, &is_there, error))
        return -1;
    if (!is_there)
        return error_set(error, ERROR_UNSUPPORTED, "the disk holds no ext2, ext3 or ext4");
    /* The other numbers of a journal's device mean something else: the table refuses it. */
    if (!is_journal_device(&candidate)) {
        if (ext4_geometry_read(ret_super, ret_geometry, error))
            return error_set_remedy(error, "%s", fsck_remedy);
        candidate.disk_blocks = disk->size / ret_geometry->block_size;
    }
    if (check_table(&candidate, recovering, error))
        return -1;
    return recovering ? check_checksum(ret_super, error) : 0;
}

int ext4_check_super(struct disk *disk, struct ext2_super_block *ret_super,
                     struct ext4_geometry *ret_geometry, struct error *error)
{
    return read_candidate(disk, true, ret_super, ret_geometry, error) ||
                   check_multiple_mount(disk, ret_super, ret_geometry,
                                        "unmount it where it is mounted, or else mount it once",
                                        error)
               ? -1
               : 0;
}

/* A superblock that took the place of a lost one doesn't know that the journal holds changes. The
 * kernel throws them away, e2fsck asks; who changed the filesystem before would spoil them. */
static int check_journal_is_empty(const struct ext4 *ext4, struct error *error)
{
    const struct ext2_super_block *super = ext4->fs->super;
    struct journal journal = {0};
    int result;

    if (!(super->s_feature_compat & EXT3_FEATURE_COMPAT_HAS_JOURNAL))
        return 0;
    result = ext4_journal_open(ext4->io.disk, &ext4->geometry, super, &journal, error);
    if (result == 0 && journal.start != 0) {
        result = error_set(error, ERROR_REFUSED,
                           "the filesystem's journal holds changes, and its superblock says that "
                           "there are none to replay");
        error_set_remedy(error, "run `e2fsck -f` on the filesystem, which offers to replay them");
    }
    ext4_journal_free(&journal);
    return result;
}

int ext4_open_recovering(struct disk *disk, struct ext4 *ret_ext4, struct error *error)
{
    struct ext2_super_block super;

    ret_ext4->fs = NULL;
    if (ext4_check_super(disk, &super, &ret_ext4->geometry, error) ||
        check_groups_are_there(disk, &ret_ext4->geometry, error) || open_fs(disk, ret_ext4, error))
        return -1;
    if (ext4_descriptors_check(&ret_ext4->geometry, ret_ext4->fs, error) ||
        check_journal_is_empty(ret_ext4, error)) {
        ext4_release(ret_ext4);
        return -1;
    }
    return 0;
}

int ext4_open_checked(struct disk *disk, bool force, struct ext4 *ret_ext4, struct error *error)
{
    struct ext2_super_block super;

    ret_ext4->fs = NULL;
    if (read_candidate(disk, false, &super, &ret_ext4->geometry, error) ||
        check_groups_are_there(disk, &ret_ext4->geometry, error) || open_fs(disk, ret_ext4, error))
        return -1;
    if ((!force &&
         check_multiple_mount(disk, &super, &ret_ext4->geometry,
                              "unmount it where it is mounted, or give --force", error)) ||
        ext4_descriptors_check(&ret_ext4->geometry, ret_ext4->fs, error) ||
        check_journal_is_empty(ret_ext4, error) ||
        ext4_bitmaps_check(&ret_ext4->geometry, ret_ext4->fs, error)) {
        ext4_release(ret_ext4);
        return -1;
    }
    return 0;
}

void ext4_release(struct ext4 *ext4)
{
    ext4_close(ext4->fs);
    ext4->fs = NULL;
}
