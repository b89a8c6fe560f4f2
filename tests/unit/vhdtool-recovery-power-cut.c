/* Whatever moment the power is cut while an image with a filesystem that wasn't unmounted is
 * expanded: the filesystem is as it was left, byte for byte, or it is recovered, whole. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/guid.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "tests/support/dirty-filesystem.h"
#include "tests/support/image.h"
#include "tests/support/judge.h"
#include "tests/support/lent-file.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/memory-file.h"
#include "tests/support/power-cut.h"
#include "tests/support/recording-file.h"
#include "vhdtool/expand.h"

struct walk {
    struct judge *judge;
    struct digest left; /* the disk as it was left */
    struct image_state new;
    uint64_t old_size; /* of the filesystem */
    unsigned lefts, recovered, news;
};

static struct error error;

static struct digest contents_of(const struct file *image)
{
    struct disk *disk = image_open(memory_file_snapshot(image), &error);
    struct digest contents;

    cr_assert_not_null(disk, "%s", error.message);
    cr_assert_eq(judge_contents(disk, &contents, &error), 0, "%s", error.message);
    disk_close(disk);
    return contents;
}

static int visit(struct file *state, const char *what, void *context)
{
    struct walk *walk = context;
    struct image_state found = {0};
    const char *wrong;

    if (digest_equal(contents_of(state), walk->left)) {
        walk->lefts++;
        file_close(state);
        return 0;
    }
    wrong = image_examine(walk->judge, state, &found);
    cr_expect_null(wrong, "%s: %s", what, wrong);
    cr_expect(digest_equal(found.tree, walk->new.tree), "%s: another tree", what);
    cr_expect(found.fs_size == walk->old_size || found.fs_size == walk->new.fs_size,
              "%s: neither old nor new", what);
    walk->recovered += found.fs_size == walk->old_size;
    walk->news += found.fs_size == walk->new.fs_size;
    file_close(state);
    return 0;
}

static void cut_everywhere(const char *mkfs_options, const char *work)
{
    char *path = dirty_filesystem("16M", mkfs_options, "", work, &error);
    struct change_request request = {.size = "40M", .now = 1700000000};
    struct power_cut_options options = {
        .random_states = 2, .cut_limit = 100, .state_limit = 6, .seed = 1};
    struct walk walk = {.old_size = 16 * MIB};
    struct power_cut_counts counts;
    struct change_report report;
    struct trace trace = {0};
    struct file *image, *copy;
    const char *wrong;

    if (!path && error.kind == ERROR_NONE)
        cr_skip_test("needs root and loop mounts");
    cr_assert_not_null(path, "%s", error.message);
    guid_seed(1);
    walk.judge = judge_new(&error);
    image = image_of(path, 16 * MIB);
    filesystem_remove(path);
    walk.left = contents_of(image);
    copy = memory_file_snapshot(image);
    cr_assert_eq(expand_image(lent_file_new(copy), &request, &report, &error), 0, "%s",
                 error.message);
    wrong = image_examine(walk.judge, copy, &walk.new);
    cr_assert_null(wrong, "after: %s", wrong);
    guid_seed(1);
    cr_assert_eq(expand_image(recording_file_new(image, &trace), &request, &report, &error), 0,
                 "%s", error.message);
    cr_expect_eq(power_cut_walk(&trace, &options, visit, &walk, &counts), 0);
    fprintf(stderr, "%s: %llu states: %u as left, %u recovered, %u expanded\n", mkfs_options,
            (unsigned long long)counts.states, walk.lefts, walk.recovered, walk.news);
    cr_expect_gt(walk.lefts, 0);
    cr_expect_gt(walk.recovered, 0);
    cr_expect_gt(walk.news, 0);
    trace_clear(&trace);
    file_close(copy);
    judge_free(walk.judge);
}

Test(recovery_power_cut, blocks_of_1k, .timeout = 280)
{
    cut_everywhere("-b 1024 -N 1024 -J size=1", "create orphans");
}
