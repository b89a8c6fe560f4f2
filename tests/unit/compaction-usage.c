/* Which units of a disk needn't be stored: compared with a model that asks libext2fs of each block,
 * and reads each byte. */
#include <criterion/criterion.h>
#include <ext2fs/ext2fs.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "compaction/usage.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "image-format/vhdx/vhdx.h"
#include "tests/support/host.h"
#include "tests/support/image.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"
#include "tests/support/resize-scenario.h"

#define GRAIN UINT64_C(1024) /* bytes: what the model looks at */

static struct error error;

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

/* Bits: what a part of the disk is. A unit is unused when none of its parts is used. */
enum {
    FREE = 1 << DISK_UNUSED_FREE,
    BLANK = 1 << DISK_UNUSED_BLANK,
    ZEROS = 1 << DISK_UNUSED_ZEROS,
    USED = 8
};

/* Per grain of the filesystem: FREE, BLANK or USED. */
struct model {
    uint8_t *grains;
    uint64_t count, fs_size; /* fs_size: bytes; 0: no filesystem */
};

static void mark(struct model *model, ext2_filsys fs, uint64_t block, uint8_t what)
{
    for (uint64_t i = 0; i < fs->blocksize / GRAIN; i++)
        model->grains[block * (fs->blocksize / GRAIN) + i] = what;
}

static void mark_table(struct model *model, ext2_filsys fs, dgrp_t group)
{
    uint64_t start = ext2fs_inode_table_loc(fs, group), inodes = fs->super->s_inodes_per_group;
    uint64_t used = inodes - ext2fs_bg_itable_unused(fs, group);

    if (!ext2fs_has_group_desc_csum(fs))
        return;
    if (ext2fs_bg_flags_test(fs, group, EXT2_BG_INODE_UNINIT))
        used = 0;
    for (uint64_t i = 0; i < inodes; i++)
        if (ext2fs_fast_test_inode_bitmap2(fs->inode_map, (ext2_ino_t)(group * inodes + i + 1)))
            used = max_u64(used, i + 1);
    for (uint64_t i = divide_up(used * EXT2_INODE_SIZE(fs->super), fs->blocksize);
         i < fs->inode_blocks_per_group; i++)
        mark(model, fs, start + i, BLANK);
}

static int mark_journal_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t logical,
                              blk64_t reference, int offset, void *context)
{
    (void)reference;
    (void)offset;
    if (logical > 0)
        mark(context, fs, *block, BLANK);
    return 0;
}

/* All of the empty journal but its superblock; not the blocks of its tree, counted below 0. */
static void mark_journal(struct model *model, ext2_filsys fs)
{
    if (ext2fs_has_feature_journal(fs->super))
        cr_assert_eq(ext2fs_block_iterate3(fs, EXT2_JOURNAL_INO, BLOCK_FLAG_READ_ONLY, NULL,
                                           mark_journal_block, model),
                     0);
}

/* The raw filesystem, seen by libext2fs. */
static void ask_libext2fs(const struct file *raw, struct model *model)
{
    char *path = host_temporary_file(NULL, &error);
    ext2_filsys fs;

    MUST(memory_file_store(raw, path, &error));
    cr_assert_eq(ext2fs_open(path, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs), 0);
    cr_assert_eq(ext2fs_read_bitmaps(fs), 0);
    model->fs_size = ext2fs_blocks_count(fs->super) * fs->blocksize;
    for (uint64_t block = 0; block < ext2fs_blocks_count(fs->super); block++)
        mark(model, fs, block,
             block >= fs->super->s_first_data_block &&
                     !ext2fs_test_block_bitmap2(fs->block_map, block)
                 ? FREE
                 : USED);
    for (dgrp_t group = 0; group < fs->group_desc_count; group++)
        mark_table(model, fs, group);
    mark_journal(model, fs);
    ext2fs_close_free(&fs);
    filesystem_remove(path);
}

static bool reads_as_zeros(struct disk *disk, uint64_t offset)
{
    uint8_t bytes[GRAIN];
    uint64_t size = min_u64(sizeof bytes, disk->size - offset);

    MUST(disk_read(disk, offset, bytes, (size_t)size, &error));
    return bytes_are_zero(bytes, (size_t)size);
}

static uint8_t part_at(const struct model *model, struct disk *disk, uint64_t offset,
                       enum usage_zeros zeros)
{
    bool in_fs = offset < model->fs_size;
    uint8_t what = in_fs ? model->grains[offset / GRAIN] : USED;

    if (what == USED && (in_fs ? zeros == USAGE_ZEROS_ALL : zeros != USAGE_NO_ZEROS) &&
        reads_as_zeros(disk, offset))
        return ZEROS;
    return what;
}

/* What the unit is to be: -1 or a disk_unused_kind. */
static int expected_kind(const struct model *model, struct disk *disk, uint64_t start,
                         uint64_t unit, enum usage_zeros zeros)
{
    uint8_t parts = 0;

    for (uint64_t at = start; at < min_u64(start + unit, disk->size) && !(parts & USED);
         at += GRAIN)
        parts |= part_at(model, disk, at, zeros);
    return parts & USED     ? -1
           : parts == FREE  ? DISK_UNUSED_FREE
           : parts == ZEROS ? DISK_UNUSED_ZEROS
                            : DISK_UNUSED_BLANK;
}

/* What usage says of the unit. */
static int found_kind(const struct usage *usage, const struct disk *disk, uint64_t start,
                      uint64_t unit)
{
    uint64_t end = min_u64(start + unit, disk->size);

    for (size_t i = 0; i < usage->count; i++) {
        const struct disk_unused *range = &usage->unused[i];

        if (range->offset <= start && end <= range->offset + range->size)
            return (int)range->kind;
        cr_assert(range->offset >= end || range->offset + range->size <= start,
                  "a range begins or ends within a unit");
    }
    return -1;
}

static void expect_sorted(const struct usage *usage, const struct disk *disk)
{
    uint64_t at = 0;

    for (size_t i = 0; i < usage->count; i++) {
        cr_assert_geq(usage->unused[i].offset, at);
        cr_assert_gt(usage->unused[i].size, 0);
        at = usage->unused[i].offset + usage->unused[i].size;
        cr_assert_leq(at, disk->size);
    }
}

static void compare(const struct model *model, struct disk *disk, uint32_t unit,
                    enum usage_zeros zeros, unsigned kinds[4])
{
    CLEANUP(usage_free) struct usage usage = {0};
    struct ext4 ext4 = {0};

    if (model->fs_size)
        MUST(ext4_open_checked(disk, false, &ext4, &error));
    MUST(usage_collect(disk, model->fs_size ? &ext4 : NULL, unit, zeros, NULL, &usage, &error));
    expect_sorted(&usage, disk);
    for (uint64_t start = 0; start < disk->size; start += unit) {
        int expected = expected_kind(model, disk, start, unit, zeros);
        int found = found_kind(&usage, disk, start, unit);

        cr_assert_eq(found, expected, "unit of %u at %llu, zeros %d: %d, not %d", unit,
                     (unsigned long long)start, (int)zeros, found, expected);
        kinds[expected + 1]++;
    }
    if (model->fs_size)
        ext4_release(&ext4);
}

/* raw: the filesystem, which it closes, or NULL; prepare (may be NULL) writes to the disk within a
 * transaction. */
static void check(struct file *raw, uint64_t disk_size, void (*prepare)(struct disk *disk))
{
    static const uint32_t units[] = {4096, 64 * KIB, MIB, 32 * MIB};
    struct model model = {.count = divide_up(disk_size, GRAIN)};
    unsigned kinds[4] = {0};
    struct disk *disk;

    model.grains = must_allocate((size_t)model.count);
    if (raw)
        ask_libext2fs(raw, &model);
    else
        raw = memory_file_new(MIB);
    disk = image_open(image_of_filesystem(raw, disk_size), &error);
    cr_assert_not_null(disk, "%s", error.message);
    MUST(disk_begin(disk, &error));
    if (prepare)
        prepare(disk);
    MUST(disk_commit(disk, &error));
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        for (int zeros = USAGE_NO_ZEROS; zeros <= USAGE_ZEROS_ALL; zeros++)
            compare(&model, disk, units[i], (enum usage_zeros)zeros, kinds);
    fprintf(stderr, "%u used, %u free, %u blank, %u zeros\n", kinds[0], kinds[1], kinds[2],
            kinds[3]);
    cr_expect(kinds[0] && kinds[3] && (kinds[1] || !model.fs_size), "too few kinds");
    disk_close(disk);
    free(model.grains);
}

static struct file *used_filesystem(const char *mkfs_options, const char *contents, uint64_t size)
{
    const struct resize_scenario scenario = {
        .name = "used", .mkfs_options = mkfs_options, .contents = contents, .fs_size = size};
    struct file *raw = resize_scenario_image(&scenario, &error);

    cr_assert_not_null(raw, "%s", error.message);
    return raw;
}

/* Zeros and other bytes behind the filesystem, zeros among them at the disk's end. */
static void write_behind(struct disk *disk)
{
    static uint8_t bytes[3 * MIB];

    memset(bytes, 'x', sizeof bytes);
    MUST(disk_write(disk, 40 * MIB, bytes, sizeof bytes, &error));
    MUST(disk_write(disk, disk->size - MIB, bytes, MIB, &error));
    memset(bytes, 0, sizeof bytes);
    MUST(disk_write(disk, 41 * MIB - 5000, bytes, MIB + 10000, &error));
    MUST(disk_write(disk, disk->size - 600 * KIB, bytes, 600 * KIB, &error));
}

Test(compaction_usage, filesystem_that_ends_within_a_unit, .timeout = 300)
{
    check(used_filesystem("-b 4096 -N 4096", "120 300000 0.1", 33 * MIB + 300 * KIB),
          50 * MIB + 4096, write_behind);
}

Test(compaction_usage, blocks_of_1_KiB, .timeout = 300)
{
    check(used_filesystem("-b 1024 -g 1024 -N 8192 -J size=1", "300 60000 0.1", 24 * MIB + 5 * KIB),
          64 * MIB + 512, write_behind);
}

Test(compaction_usage, filesystem_as_large_as_the_disk, .timeout = 300)
{
    check(used_filesystem("-b 1024 -N 16384 -I 512", "30 900000 0", 20 * MIB + 600 * KIB),
          20 * MIB + 600 * KIB, NULL);
}

Test(compaction_usage, without_checksums_of_groups, .timeout = 300)
{
    check(used_filesystem("-b 1024 -N 4096 -O ^metadata_csum,^uninit_bg,^flex_bg", "100 200000 0",
                          24 * MIB),
          44 * MIB, write_behind);
}

Test(compaction_usage, clusters, .timeout = 300)
{
    check(used_filesystem("-b 1024 -N 4096 -O bigalloc -C 16384", "60 300000 0", 24 * MIB),
          44 * MIB, write_behind);
}

Test(compaction_usage, no_filesystem, .timeout = 300)
{
    check(NULL, 44 * MIB + 1024, write_behind);
}

/* What isn't there costs nothing, however much it is. */
Test(compaction_usage, a_huge_disk)
{
    struct vhdx_create_options options = {64 * TIB, MIB, 512, 4096, {{1}}};
    CLEANUP(usage_free) struct usage usage = {0};
    struct file *file = memory_file_new(0);
    struct disk *disk;
    clock_t start = clock();

    MUST(vhdx_create(file, &options, &error));
    disk = image_open(file, &error);
    MUST(usage_collect(disk, NULL, MIB, USAGE_ZEROS_ALL, NULL, &usage, &error));
    cr_expect_eq(usage.count, 1);
    cr_expect_eq(usage.unused[0].size, 64 * TIB);
    cr_expect_lt(clock() - start, 10 * CLOCKS_PER_SEC, "%f s",
                 (double)(clock() - start) / CLOCKS_PER_SEC);
    disk_close(disk);
}
