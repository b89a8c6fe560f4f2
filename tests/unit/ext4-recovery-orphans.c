/* Orphans of all kinds are cleaned up as the kernel does it, and e2fsck finds nothing: neither
 * among the blocks nor in the quotas. */
#include <criterion/criterion.h>

#include "ext4/preflight.h"
#include "ext4/recovery.h"
#include "image-format/disk.h"
#include "tests/support/dirty-filesystem.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/plain-disk.h"

static struct error error;

static int recover(const char *path, struct ext4_recovery *ret_recovery)
{
    struct disk *disk;
    int result;

    cr_assert_eq(plain_disk_open(path, &disk, &error), 0, "%s", error.message);
    cr_assert_eq(disk_begin(disk, &error), 0);
    result = ext4_recover(disk, 1700000000, ret_recovery, &error);
    disk_close(disk);
    return result;
}

static char *make(const char *mkfs_options, const char *kind)
{
    char *path = orphaned_filesystem("64M", mkfs_options, kind, &error);

    cr_assert_not_null(path, "%s", error.message);
    return path;
}

/* The kernel sets the time of change of what it truncates. */
static void forget_times(const char *path)
{
    cr_assert_eq(host_shell("for f in large holes small; do "
                            "debugfs -w -R \"sif /$f mtime @1\" \"$1\"; "
                            "debugfs -w -R \"sif /$f mtime_extra 0\" \"$1\"; done",
                            path, "", &error),
                 0, "%s", error.message);
}

/* A kernel without quotas can't mount a filesystem that has them. */
static void compare(const char *mkfs_options, const char *kind, bool kernel_mounts)
{
    char *path = make(mkfs_options, kind), *by_kernel = filesystem_copy(path, &error);
    struct ext4_recovery recovery;
    bool truncates = kind[0] == 't';

    cr_assert_eq(recover(path, &recovery), 0, "%s", error.message);
    cr_expect_eq(recovery.deleted, truncates ? 0 : 8);
    cr_expect_eq(recovery.truncated, truncates ? 3 : 0);
    cr_expect_eq(e2fsck_is_silent(path, &error), 0, "%s", error.message);
    if (kernel_mounts && kernel_recovers(by_kernel, &error) == 0) {
        if (truncates) {
            forget_times(path);
            forget_times(by_kernel);
        }
        cr_expect_eq(same_filesystem(path, by_kernel, &error), 0, "%s", error.message);
    }
    filesystem_remove(path);
    filesystem_remove(by_kernel);
}

#define LAYOUT(name, options, kernel_mounts)          \
    Test(recovery_of_orphans, name##_deleted)         \
    {                                                 \
        compare(options, "deleted", kernel_mounts);   \
    }                                                 \
    Test(recovery_of_orphans, name##_truncated)       \
    {                                                 \
        compare(options, "truncated", kernel_mounts); \
    }

LAYOUT(blocks_of_1k, "-b 1024", true)
LAYOUT(blocks_of_4k, "-b 4096", true)
LAYOUT(indirect_blocks, "-t ext3 -b 1024", true)
LAYOUT(indirect_blocks_without_journal, "-t ext2 -b 1024", true)
LAYOUT(no_checksums, "-b 1024 -O ^metadata_csum,^64bit,uninit_bg", true)
LAYOUT(clusters, "-b 1024 -O bigalloc -C 8192", true)
LAYOUT(attributes_in_inodes, "-b 1024 -O ea_inode", true)
LAYOUT(meta_bg, "-b 1024 -O meta_bg,^resize_inode", true)
LAYOUT(quotas, "-b 1024 -O quota,project -I 256", false)
LAYOUT(quotas_and_attributes_in_inodes, "-b 1024 -O quota,ea_inode", false)
LAYOUT(quotas_of_clusters, "-b 1024 -O quota,bigalloc -C 8192", false)

/* A command that has to succeed on the recovered image, $1. */
static void expect_of_truncated(const char *command)
{
    char *path = make("-b 4096", "truncated");
    struct ext4_recovery recovery;

    cr_assert_eq(recover(path, &recovery), 0, "%s", error.message);
    cr_expect_eq(host_shell(command, path, "", &error), 0, "%s", error.message);
    filesystem_remove(path);
}

Test(recovery_of_orphans, truncating_changes_a_file_now)
{
    expect_of_truncated("[ \"$(debugfs -R 'stat /large' \"$1\" 2>/dev/null | "
                        "grep -cE '^ *[cm]time: 0x6553f100:00000000')\" = 2 ]");
}

/* What lies behind the size in the last block would show when the file grows again. */
Test(recovery_of_orphans, the_tail_of_a_truncated_file_is_zeros)
{
    expect_of_truncated("debugfs -w -R 'sif /large size 102400' \"$1\" && "
                        "debugfs -R 'cat /large' \"$1\" 2>/dev/null | tail -c 2399 | "
                        "tr -d '\\0' | { ! grep -q .; }");
}

/* What is refused leaves no word unsaid: kind, and a part of the sentence. */
static void expect_refusal(const char *damage, enum error_kind kind, const char *sentence)
{
    char *path = make("-b 1024", "deleted");
    struct ext4_recovery recovery = {0};

    cr_assert_eq(host_shell("debugfs -w -R \"$2\" \"$1\"", path, damage, &error), 0, "%s",
                 error.message);
    cr_expect_eq(recover(path, &recovery), -1, "%s", damage);
    cr_expect_eq(error.kind, kind, "%s: %s", damage, error.message);
    cr_expect_not_null(strstr(error.message, sentence), "%s: %s", damage, error.message);
    cr_expect_gt(strlen(error.remedy), 0, "%s", damage);
    filesystem_remove(path);
}

Test(recovery_of_orphans, chains_that_cannot_be)
{
    expect_refusal("ssv last_orphan 99999999", ERROR_CORRUPT, "can't be a deleted file");
    expect_refusal("ssv last_orphan 2", ERROR_CORRUPT, "can't be a deleted file");
    expect_refusal("ssv last_orphan 8", ERROR_CORRUPT, "can't be a deleted file");
    expect_refusal("ssv last_orphan 1000", ERROR_CORRUPT, "not in use");
    expect_refusal("sif <12> flags 0x10000000", ERROR_CORRUPT, "inode 12: it has a flag whose");
    expect_refusal("sif <12> extra_isize 3", ERROR_CORRUPT, "inode 12: its i_extra_isize");
    expect_refusal("sif <12> dtime @12", ERROR_CORRUPT, "loop");
    expect_refusal("sif <14> dtime @13", ERROR_CORRUPT, "loop");
    expect_refusal("ssv state 3", ERROR_REFUSED, "errors");
    expect_refusal("feature has_journal needs_recovery ^has_journal", ERROR_CORRUPT, "has none");
}

/* Blocks that somebody else has as free, and tables of the filesystem. */
Test(recovery_of_orphans, blocks_that_are_not_theirs)
{
    char *path = make("-t ext2 -b 1024", "deleted");
    struct ext4_recovery recovery;

    cr_assert_eq(
        host_shell("n=$(dumpe2fs -h \"$1\" 2>/dev/null | sed -n 's/^First orphan.*: *//p'); "
                   "t=$(debugfs -R 'stats' \"$1\" 2>/dev/null | grep -o 'inode table at "
                   "[0-9]*' | head -n 1 | grep -o '[0-9]*'); "
                   "for i in $(seq 12 24); do "
                   "debugfs -w -R \"sif <$i> block[0] $t\" \"$1\"; done",
                   path, "", &error),
        0, "%s", error.message);
    cr_expect_eq(recover(path, &recovery), -1);
    cr_expect_not_null(strstr(error.message, "the filesystem's own"), "%s", error.message);
    filesystem_remove(path);
}
