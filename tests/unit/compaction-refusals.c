/* What compaction doesn't believe, and what it doesn't touch: bitmaps that have used blocks as
 * free, disks on which there are signs of more than one thing, VHDX of types that can't be changed.
 */
#include <criterion/criterion.h>
#include <ext2fs/ext2fs.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "compaction/compaction.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "tests/support/host.h"
#include "tests/support/image.h"
#include "tests/support/judge.h"
#include "tests/support/lent-file.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/memory-file.h"

#define FS_SIZE (16 * MIB)

static struct error error;

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

/* A block of the filesystem that is in use. */
typedef blk64_t choose_block(ext2_filsys fs);

static blk64_t block_of(ext2_filsys fs, const char *path, blk64_t number)
{
    ext2_ino_t inode;
    blk64_t block;

    cr_assert_eq(ext2fs_namei(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, path, &inode), 0);
    cr_assert_eq(ext2fs_bmap2(fs, inode, NULL, NULL, 0, number, NULL, &block), 0);
    cr_assert_neq(block, 0);
    return block;
}

static blk64_t in_a_file(ext2_filsys fs)
{
    return block_of(fs, "/tree0/file7", 100);
}

static blk64_t in_a_folder(ext2_filsys fs)
{
    return block_of(fs, "/tree0/many", 2);
}

static blk64_t in_the_journal(ext2_filsys fs)
{
    blk64_t block;

    cr_assert_eq(ext2fs_bmap2(fs, EXT2_JOURNAL_INO, NULL, NULL, 0, 200, NULL, &block), 0);
    return block;
}

static blk64_t of_attributes(ext2_filsys fs)
{
    struct ext2_inode inode;
    ext2_ino_t number;

    cr_assert_eq(ext2fs_namei(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, "/tree0/file3", &number), 0);
    cr_assert_eq(ext2fs_read_inode(fs, number, &inode), 0);
    cr_assert_neq(inode.i_file_acl, 0);
    return inode.i_file_acl;
}

static blk64_t of_descriptors(ext2_filsys fs)
{
    return fs->super->s_first_data_block + 1;
}

static blk64_t of_a_table(ext2_filsys fs)
{
    return ext2fs_inode_table_loc(fs, 1) + 1;
}

static blk64_t of_the_last_table(ext2_filsys fs)
{
    return ext2fs_inode_table_loc(fs, fs->group_desc_count - 1) + fs->inode_blocks_per_group - 1;
}

/* The raw filesystem in which the chosen block is free: bitmap, counts and checksums agree. */
static struct file *with_block_freed(const char *mkfs_options, choose_block *choose)
{
    char *path = make_filesystem(mkfs_options, FS_SIZE, 1, &error);
    struct file *file;
    ext2_filsys fs;

    cr_assert_not_null(path, "%s", error.message);
    cr_assert_eq(ext2fs_open(path, EXT2_FLAG_RW | EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs), 0);
    cr_assert_eq(ext2fs_read_bitmaps(fs), 0);
    ext2fs_block_alloc_stats2(fs, choose(fs), -1);
    cr_assert_eq(ext2fs_close_free(&fs), 0);
    file = memory_file_load(path, &error);
    filesystem_remove(path);
    cr_assert_not_null(file, "%s", error.message);
    return file;
}

static int run(struct file *image, bool deep, struct compaction_report *ret_report)
{
    const struct compaction_request request = {.now = 1700000000, .deep = deep};
    CLEANUP(cleanup_disk) struct disk *disk = image_open(lent_file_new(image), &error);

    cr_assert_not_null(disk, "%s", error.message);
    return compaction_run(disk, &request, ret_report, &error);
}

static void expect_refused(const char *mkfs_options, choose_block *choose, const char *what)
{
    struct file *image = image_of_filesystem(with_block_freed(mkfs_options, choose), FS_SIZE);
    struct file *before = memory_file_snapshot(image);
    struct compaction_report report;

    for (int deep = 0; deep < 2; deep++) {
        cr_expect_eq(run(image, deep, &report), -1, "%s: done", what);
        cr_expect_eq(error.kind, ERROR_CORRUPT, "%s: %s", what, error.message);
        cr_expect(!report.begun && !report.changed && !report.uncertain, "%s", what);
        cr_expect(memory_file_equal(image, before), "%s: it was changed", what);
    }
    file_close(before);
    file_close(image);
}

static const struct {
    const char *name;
    choose_block *choose;
} chosen[] = {
    {"a file's", in_a_file},
    {"a folder's", in_a_folder},
    {"the journal's", in_the_journal},
    {"of attributes", of_attributes},
    {"descriptors", of_descriptors},
    {"a table's", of_a_table},
    {"the last table's", of_the_last_table},
};

Test(compaction_refusals, used_blocks_that_a_bitmap_has_as_free, .timeout = 120)
{
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++)
        expect_refused("-b 1024 -N 2048 -J size=1", chosen[i].choose, chosen[i].name);
}

Test(compaction_refusals, without_checksums, .timeout = 120)
{
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++)
        if (chosen[i].choose != of_attributes)
            expect_refused("-b 1024 -N 2048 -I 128 -J size=1 -O "
                           "^metadata_csum,^uninit_bg,^64bit,^extent,^flex_bg",
                           chosen[i].choose, chosen[i].name);
}

static struct digest contents_of(const struct file *image)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(memory_file_snapshot(image), &error);
    struct digest contents;

    cr_assert_not_null(disk, "%s", error.message);
    MUST(judge_contents(disk, &contents, &error));
    return contents;
}

/* Bytes in free blocks of the filesystem: another one's data, perhaps. */
static void put_strange(struct file *raw)
{
    static uint8_t bytes[3 * MIB];

    memset(bytes, 'x', sizeof bytes);
    MUST(file_write(raw, 12 * MIB, bytes, sizeof bytes, &error));
}

static struct file *strange_filesystem(void)
{
    char *path = make_filesystem("-b 1024 -N 1024 -J size=1", FS_SIZE, 1, &error);
    struct file *raw;

    cr_assert_not_null(path, "%s", error.message);
    raw = memory_file_load(path, &error);
    filesystem_remove(path);
    put_strange(raw);
    return raw;
}

/* Without another sign: the strange bytes are free blocks', and given up. */
Test(compaction_refusals, strange_bytes_alone_are_free_space, .timeout = 120)
{
    struct file *image = image_of_filesystem(strange_filesystem(), FS_SIZE);
    struct compaction_report report;

    MUST(run(image, false, &report));
    cr_expect_geq(report.given_back, 3 * MIB);
    cr_expect_eq(report.filesystem_size, FS_SIZE);
    file_close(image);
}

/* Zeros alone are given up where anything speaks against the filesystem. */
static void expect_zeros_alone(struct file *raw, const char *sign)
{
    struct file *image = image_of_filesystem(raw, FS_SIZE);
    struct digest before = contents_of(image);
    struct compaction_report report;

    for (int deep = 0; deep < 2; deep++) {
        MUST(run(image, deep, &report));
        cr_expect(digest_equal(contents_of(image), before), "%s: other contents", sign);
        cr_expect_eq(report.filesystem_size, 0, "%s", sign);
        cr_expect(*report.contents, "%s", sign);
    }
    file_close(image);
}

Test(compaction_refusals, a_partition_table_before_the_superblock, .timeout = 120)
{
    struct file *raw = strange_filesystem();
    uint8_t sector[512] = {0};

    sector[446 + 4] = 0x83;
    put_le32(sector + 446 + 8, 12 * MIB / 512);
    put_le32(sector + 446 + 12, 3 * MIB / 512);
    sector[510] = 0x55, sector[511] = 0xaa;
    MUST(file_write(raw, 0, sector, sizeof sector, &error));
    expect_zeros_alone(raw, "mbr");
}

Test(compaction_refusals, an_encrypted_volume_before_the_superblock, .timeout = 120)
{
    struct file *raw = strange_filesystem();
    const uint8_t head[] = {'L', 'U', 'K', 'S', 0xba, 0xbe, 0, 1};

    MUST(file_write(raw, 0, head, sizeof head, &error));
    MUST(file_write(raw, 168, "6f1c2b6e-51a7-4c5d-9f0e-2d1a5c3b4e60", 37, &error));
    expect_zeros_alone(raw, "luks");
}

/* The flags of the file parameters: 1 leaves all blocks allocated, 2 has a parent. */
static void expect_unsupported(uint8_t flags)
{
    struct file *image = image_of_filesystem(strange_filesystem(), FS_SIZE), *before;
    struct compaction_report report;
    uint64_t given_back;
    struct disk *disk;
    bool known;

    MUST(file_write(image, 2 * MIB + 65536 + 4, &flags, 1, &error));
    before = memory_file_snapshot(image);
    for (int deep = 0; deep < 2; deep++) {
        cr_expect_eq(run(image, deep, &report), -1, "flags %u: done", flags);
        cr_expect_eq(error.kind, ERROR_UNSUPPORTED, "flags %u: %s", flags, error.message);
        cr_expect(!report.begun && !report.changed);
    }
    cr_expect(memory_file_equal(image, before), "flags %u: it was changed", flags);
    disk = image_open(lent_file_new(image), &error);
    cr_expect(compaction_foresee(disk, &known, &given_back, &error) || !known);
    cr_expect(memory_file_equal(image, before), "flags %u: foreseen, and changed", flags);
    disk_close(disk);
    file_close(before);
    file_close(image);
}

Test(compaction_refusals, a_fixed_vhdx, .timeout = 120)
{
    expect_unsupported(1);
}

Test(compaction_refusals, a_differencing_vhdx, .timeout = 120)
{
    expect_unsupported(2);
    expect_unsupported(3);
}

Test(compaction_refusals, a_filesystem_larger_than_the_disk, .timeout = 120)
{
    struct file *image = image_of_filesystem(strange_filesystem(), FS_SIZE), *before;
    struct compaction_report report;
    struct disk *disk = image_open(lent_file_new(image), &error);

    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, FS_SIZE - 5000 / 512 * 512, &error));
    MUST(disk_commit(disk, &error));
    disk_close(disk);
    before = memory_file_snapshot(image);
    cr_expect_eq(run(image, false, &report), -1);
    cr_expect_gt(strlen(error.message), 10);
    cr_expect(!report.begun && !report.changed);
    cr_expect(memory_file_equal(image, before));
    file_close(before);
    file_close(image);
}
