/* A filesystem that was cut off while it was mounted comes out as the kernel makes it, and e2fsck
 * finds nothing. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "ext4/preflight.h"
#include "ext4/recovery.h"
#include "image-format/disk.h"
#include "tests/support/dirty-filesystem.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/plain-disk.h"

struct dirty {
    const char *mkfs_options, *mount_options, *work;
    uint32_t deleted;      /* orphans expected */
    bool has_revoked;      /* some block must have been left out */
    bool e2fsck_is_a_peer; /* it does the same */
};

static struct error error;

static void recover(const char *path, struct ext4_recovery *ret_recovery)
{
    struct disk *disk;
    struct ext4 ext4;
    bool needs;

    cr_assert_eq(plain_disk_open(path, &disk, &error), 0, "%s", error.message);
    cr_assert_eq(ext4_needs_recovery(disk, &needs, &error), 0, "%s", error.message);
    cr_assert(needs);
    cr_assert_eq(disk_begin(disk, &error), 0);
    cr_assert_eq(ext4_recover(disk, 1700000000, ret_recovery, &error), 0, "%s", error.message);
    cr_assert_eq(disk_commit(disk, &error), 0);
    cr_assert_eq(ext4_needs_recovery(disk, &needs, &error), 0, "%s", error.message);
    cr_assert_not(needs);
    cr_assert_eq(ext4_open_checked(disk, false, &ext4, &error), 0, "%s", error.message);
    ext4_release(&ext4);
    disk_close(disk);
}

static void compare(const struct dirty *dirty)
{
    char *path =
        dirty_filesystem("64M", dirty->mkfs_options, dirty->mount_options, dirty->work, &error);
    struct ext4_recovery recovery;
    char *by_kernel, *by_e2fsck;

    if (!path && error.kind == ERROR_NONE)
        cr_skip_test("needs root and loop mounts");
    cr_assert_not_null(path, "%s", error.message);
    by_kernel = filesystem_copy(path, &error);
    by_e2fsck = filesystem_copy(path, &error);
    cr_assert_eq(kernel_recovers(by_kernel, &error), 0, "%s", error.message);
    cr_assert_eq(e2fsck_recovers(by_e2fsck, &error), 0, "%s", error.message);
    recover(path, &recovery);
    fprintf(stderr, "%s: %u transactions, %u blocks, %u revoked, %u deleted\n", dirty->mkfs_options,
            recovery.transactions, recovery.blocks, recovery.revoked, recovery.deleted);
    cr_expect_gt(recovery.transactions, 1);
    cr_expect_gt(recovery.blocks, 0);
    if (dirty->has_revoked)
        cr_expect_gt(recovery.revoked, 0);
    cr_expect_eq(recovery.deleted, dirty->deleted);
    cr_expect_eq(same_filesystem(path, by_kernel, &error), 0, "kernel: %s", error.message);
    if (dirty->e2fsck_is_a_peer)
        cr_expect_eq(same_filesystem(path, by_e2fsck, &error), 0, "e2fsck: %s", error.message);
    filesystem_remove(path);
    filesystem_remove(by_kernel);
    filesystem_remove(by_e2fsck);
}

#define SCENARIO(name, ...)                        \
    Test(recovery_as_kernel, name, .timeout = 120) \
    {                                              \
        compare(&(struct dirty){__VA_ARGS__});     \
    }

SCENARIO(blocks_of_1k, "-b 1024", "", "create revoke orphans", 5, true, true)
SCENARIO(blocks_of_4k, "-b 4096", "", "create revoke orphans", 5, false, true)
SCENARIO(inodes_of_128_bytes, "-b 1024 -I 128 -O ^64bit", "", "create revoke orphans", 5, true,
         true)
SCENARIO(no_checksums, "-b 1024 -O ^metadata_csum,^64bit", "", "create revoke orphans", 5, true,
         true)
SCENARIO(indirect_blocks, "-t ext3 -b 1024", "", "create revoke orphans", 5, true, true)
SCENARIO(meta_bg, "-b 1024 -O meta_bg,^resize_inode", "", "create revoke orphans", 5, true, true)
SCENARIO(inline_data, "-b 1024 -O inline_data", "", "create revoke orphans", 5, true, true)
SCENARIO(orphan_file, "-b 1024 -O orphan_file", "", "create revoke orphans", 5, true, true)

/* e2fsck leaves the inode of a large attribute where it was. */
SCENARIO(attributes_in_inodes, "-b 4096 -O ea_inode", "", "create orphans", 5, false, false)

/* e2fsck gives back fewer clusters, and counts them later. */
SCENARIO(clusters, "-b 1024 -O bigalloc -C 8192", "", "create revoke orphans", 5, true, false)

SCENARIO(checksums_of_transactions, "-b 4096 -O ^metadata_csum", "journal_checksum",
         "create revoke orphans", 5, false, true)
SCENARIO(asynchronous_commits, "-b 4096 -O ^metadata_csum", "data=writeback,journal_async_commit",
         "create revoke orphans", 5, false, true)
SCENARIO(asynchronous_commits_with_checksums, "-b 1024", "data=writeback,journal_async_commit",
         "create revoke orphans", 5, true, true)
SCENARIO(logged_data_with_the_magic_number, "-b 1024", "data=journal", "create escapes orphans", 5,
         false, true)
SCENARIO(a_log_gone_round, "-b 1024 -J size=1", "", "create wrap revoke wrap orphans", 5, false,
         true)
SCENARIO(a_log_of_data_gone_round, "-b 1024 -J size=1", "data=journal",
         "create escapes wrap orphans", 5, false, true)

/* The bitmaps, descriptors and inodes in place don't fit one another, nor their checksums. */
SCENARIO(half_written_back, "-b 1024", "", "create revoke orphans half_written_back", 5, true, true)
SCENARIO(half_written_back_4k, "-b 4096", "", "create revoke orphans half_written_back", 5, false,
         true)

/* The feature alone is no reason to refuse: fast commits that a whole one has overtaken. */
SCENARIO(fast_commits_overtaken, "-b 1024 -O fast_commit", "", "create revoke commit", 0, true,
         true)

/* Whether the recovery of a filesystem with fast commits is refused; it is skipped where none can
 * be made. */
static bool refuses_fast_commits(void)
{
    char *path = dirty_filesystem("64M", "-b 1024 -O fast_commit", "", "create", &error);
    struct ext4_recovery recovery;
    struct disk *disk;
    bool refuses;

    if (!path && error.kind == ERROR_NONE)
        cr_skip_test("needs root and loop mounts");
    cr_assert_not_null(path, "%s", error.message);
    cr_assert_eq(plain_disk_open(path, &disk, &error), 0, "%s", error.message);
    cr_expect_eq(ext4_recover(disk, 1700000000, &recovery, &error), -1);
    refuses = error.kind == ERROR_REFUSED;
    disk_close(disk);
    filesystem_remove(path);
    return refuses;
}

/* On a busy machine the kernel may make a whole commit of it in the meantime. */
Test(recovery_as_kernel, fast_commits_are_refused)
{
    int tries = 5;

    while (!refuses_fast_commits())
        cr_assert_gt(--tries, 0, "%s", error.message);
    cr_expect_not_null(strstr(error.remedy, "mount"), "%s", error.remedy);
}
