/* Growing real filesystems on a plain disk: e2fsck finds nothing, and no block of a file is
 * written to. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "ext4/preflight.h"
#include "resize/run.h"
#include "tests/support/host.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/plain-disk.h"

static struct error error;

/* Grows the filesystem in the raw file at path to size bytes, as expand does. Returns its new
 * geometry. */
static struct ext4_geometry grow(const char *path, uint64_t size)
{
    struct ext4 ext4;
    struct disk *disk;
    struct resize_plan plan;
    struct ext4_geometry geometry;
    const struct resize_request request = {RESIZE_TO_SIZE, size};
    const struct resize_run run = {.disk_size = size, .now = 1700000000};
    struct resize_state state;

    cr_assert_eq(plain_disk_open(path, &disk, &error), 0, "%s", error.message);
    cr_assert_eq(ext4_open_checked(disk, false, &ext4, &error), 0, "%s", error.message);
    cr_assert_eq(resize_plan_make(&ext4, &request, &plan, &error), 0, "%s", error.message);
    cr_assert_eq(resize_run(disk, &ext4, &plan, &run, &state, &error), 0, "%s", error.message);
    geometry = plan.new;
    resize_plan_free(&plan);
    ext4_release(&ext4);
    disk_close(disk);
    return geometry;
}

static void expect_clean(const char *path, const char *what, uint64_t size)
{
    char *output;
    int status;

    cr_assert_eq(host_run((const char *[]){"e2fsck", "-fn", path, NULL}, &status, &output, &error),
                 0);
    /* For wrong counts in the superblock alone the status is 0. */
    cr_expect(status == 0 && !strstr(output, "? no"), "%s at %llu: %s", what,
              (unsigned long long)size, output);
    free(output);
}

static char *make(const char *options, uint64_t size)
{
    char *path = make_filesystem(options, size, 0, &error);

    cr_assert_not_null(path, "%s: %s", options, error.message);
    return path;
}

/* Every length of the last group around the limit at which it is dropped. */
Test(resize_grow, last_group_of_any_length)
{
    static const char options[] = "-b 1024 -g 512 -N 512 -O ^has_journal,sparse_super2";

    for (uint64_t blocks = 1 + 9 * 512 - 2; blocks < 1 + 9 * 512 + 130; blocks += 3) {
        char *path = make(options, 4 * MIB);

        grow(path, blocks * 1024);
        expect_clean(path, options, blocks * 1024);
        filesystem_remove(path);
    }
}

/* Step by step comes to what one step comes to. */
Test(resize_grow, in_many_steps)
{
    static const char *const kinds[] = {
        "-b 1024",
        "-b 1024 -O ^resize_inode,sparse_super2",
        "-b 1024 -g 312 -O sparse_super2,meta_bg,^resize_inode -N 821",
        "-b 1024 -O ^flex_bg,^metadata_csum,^64bit",
        "-b 1024 -g 1000 -G 4 -I 512",
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *path = make(kinds[i], 9 * MIB + 5 * KIB);
        uint64_t size = 9 * MIB + 5 * KIB;

        while (size < 200 * MIB) {
            size += size / 5 + 12345;
            grow(path, size);
            expect_clean(path, kinds[i], size);
        }
        filesystem_remove(path);
    }
}

/* sparse_super2 keeps its second backup in the last group; where that was, a copy of meta_bg
 * descriptors may remain, and its block stays in use. */
Test(resize_grow, backup_moves_away_from_meta_descriptors)
{
    static const char options[] = "-b 1024 -g 312 -O sparse_super2,meta_bg,^resize_inode -N 821";
    char *path = make(options, (1 + 144 * 312) * KIB);
    struct ext4_geometry geometry = grow(path, 180 * MIB);

    cr_expect_eq(geometry.backup_groups[1], geometry.groups - 1);
    expect_clean(path, options, 180 * MIB);
    filesystem_remove(path);
}

/* The superblock's counts are sums of the descriptors', also where it lagged behind before. */
Test(resize_grow, free_counts_are_mended)
{
    char *path = make("-b 1024", 16 * MIB), *output;
    int status;

    cr_assert_eq(
        host_run((const char *[]){"debugfs", "-w", "-R", "ssv free_inodes_count 5", path, NULL},
                 &status, NULL, &error),
        0);
    cr_assert_eq(
        host_run((const char *[]){"debugfs", "-w", "-R", "ssv free_blocks_count 5", path, NULL},
                 &status, NULL, &error),
        0);
    cr_assert_eq(host_run((const char *[]){"e2fsck", "-fn", path, NULL}, &status, &output, &error),
                 0);
    cr_assert(strstr(output, "count wrong"), "the counts weren't wrong: %s", output);
    free(output);
    grow(path, 40 * MIB);
    expect_clean(path, "lagging counts", 40 * MIB);
    filesystem_remove(path);
}

/* Growth by less than a block, or by too little for a group, is none. */
Test(resize_grow, too_little_changes_nothing)
{
    char *path = make("-b 4096 -g 1024 -O ^has_journal", 16 * MIB);
    struct ext4_geometry geometry;

    cr_expect_eq(grow(path, 16 * MIB + 4095).blocks, 4096);
    cr_expect_eq(grow(path, 16 * MIB + 40 * 4096).blocks, 4096);
    expect_clean(path, "too little", 0);
    geometry = grow(path, 16 * MIB + 1000 * 4096);
    cr_expect_eq(geometry.blocks, 5096);
    expect_clean(path, "enough", 0);
    filesystem_remove(path);
}

/* Flex groups of one still may have their tables anywhere: only the feature counts. */
Test(resize_grow, flex_groups_of_one)
{
    char *path = make("-b 1024 -G 16", 40 * MIB);
    int status;

    cr_assert_eq(
        host_run((const char *[]){"debugfs", "-w", "-R", "ssv log_groups_per_flex 0", path, NULL},
                 &status, NULL, &error),
        0);
    expect_clean(path, "before", 40 * MIB);
    grow(path, 100 * MIB);
    expect_clean(path, "flex groups of one", 100 * MIB);
    filesystem_remove(path);
}
