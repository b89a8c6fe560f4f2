/* Whatever moment the power is cut while an image with an ext4 is compacted: the image opens,
 * e2fsck finds nothing, the tree is the same, and compacting it again ends where it would have
 * ended. A sample of the cuts; all of them where THOROUGH is set. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/guid.h"
#include "compaction/compaction.h"
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
#include "tests/support/resize-scenario.h"

#define NOW 1700000000
#define ENOUGH_WRONG 4 /* states, that more needn't be looked at */

struct walk {
    struct compaction_request request;
    uint64_t tolerance; /* bytes: by which a second compaction may end elsewhere */
    unsigned again_every;
    size_t cut_limit; /* unless THOROUGH is set */
    struct judge *judge;
    struct digest left;      /* the disk as it was left, before a recovery */
    struct image_state done; /* of the undisturbed run */
    uint64_t file_size;      /* likewise */
    unsigned long long states, lefts, again, wrong;
};

static struct error error;

static const struct power_cut_options thorough = {.random_states = 1, .state_limit = 2, .seed = 3};

static int compact(const struct walk *walk, struct file *file, struct compaction_report *ret_report)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(file, &error);

    return disk ? compaction_run(disk, &walk->request, ret_report, &error) : -1;
}

static struct digest contents_of(const struct file *image)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(memory_file_snapshot(image), &error);
    struct digest contents;

    cr_assert_not_null(disk, "%s", error.message);
    cr_assert_eq(judge_contents(disk, &contents, &error), 0, "%s", error.message);
    return contents;
}

/* A state that is left is compacted like any other image. */
static const char *go_on(struct walk *walk, const struct file *state)
{
    struct file *copy = memory_file_snapshot(state);
    struct compaction_report report;
    struct image_state found = {0};
    static char difference[200];
    const char *wrong;
    uint64_t size = 0;

    walk->again++;
    if (compact(walk, lent_file_new(copy), &report) || file_get_size(copy, &size, &error))
        wrong = error.message;
    else
        wrong = image_examine(walk->judge, copy, &found);
    if (!wrong && !digest_equal(found.tree, walk->done.tree))
        wrong = "another tree";
    if (!wrong && (size > walk->file_size + walk->tolerance || size != report.file_size ||
                   (walk->tolerance == 0 && size != walk->file_size))) {
        snprintf(difference, sizeof difference, "the file has %llu bytes, not %llu",
                 (unsigned long long)size, (unsigned long long)walk->file_size);
        wrong = difference;
    }
    file_close(copy);
    return wrong;
}

static int visit(struct file *state, const char *what, void *context)
{
    struct walk *walk = context;
    struct image_state found = {0};
    const char *wrong = NULL;

    if (digest_equal(contents_of(state), walk->left)) {
        walk->lefts++;
    } else {
        wrong = image_examine(walk->judge, state, &found);
        cr_expect_null(wrong, "%s: %s", what, wrong);
        if (!wrong) {
            cr_expect(digest_equal(found.tree, walk->done.tree), "%s: another tree", what);
            cr_expect_eq(found.fs_size, walk->done.fs_size, "%s: another size", what);
        }
    }
    if (!wrong && walk->states++ % walk->again_every == 0) {
        wrong = go_on(walk, state);
        cr_expect_null(wrong, "%s: going on: %s", what, wrong);
    }
    file_close(state);
    return (walk->wrong += wrong != NULL) >= ENOUGH_WRONG;
}

/* What a dry run says, on an overlay: the file stays as it is. */
static void foresee(struct walk *walk, struct file *image, struct compaction_report *ret_report)
{
    struct file *copy = memory_file_snapshot(image);

    walk->request.dry_run = true;
    cr_expect_eq(compact(walk, file_overlay_new(lent_file_new(copy), &error), ret_report), 0, "%s",
                 error.message);
    walk->request.dry_run = false;
    cr_expect(memory_file_equal(copy, image), "the dry run changed something");
    cr_expect(!ret_report->begun && !ret_report->changed);
    file_close(copy);
}

/* Compacts without a disturbance, for comparison; a recorded run into *trace. */
static void run(struct walk *walk, struct file *image, struct trace *trace, const char *name)
{
    struct file *copy = memory_file_snapshot(image);
    struct compaction_report report = {0}, foreseen = {0};
    const char *wrong;

    foresee(walk, image, &foreseen);
    guid_seed(1);
    cr_assert_eq(compact(walk, lent_file_new(copy), &report), 0, "%s: %s", name, error.message);
    cr_assert_eq(file_get_size(copy, &walk->file_size, &error), 0);
    cr_expect_eq(report.file_size, walk->file_size, "%s: %llu bytes were planned, not %llu", name,
                 (unsigned long long)report.file_size, (unsigned long long)walk->file_size);
    cr_expect(foreseen.file_size <= walk->file_size + walk->tolerance &&
                  walk->file_size <= foreseen.file_size + walk->tolerance,
              "%s: a dry run says %llu bytes", name, (unsigned long long)foreseen.file_size);
    wrong = image_examine(walk->judge, copy, &walk->done);
    cr_assert_null(wrong, "%s, after: %s", name, wrong);
    fprintf(stderr, "%s: %llu bytes at the end, %llu given back, %llu moved\n", name,
            (unsigned long long)walk->file_size, (unsigned long long)report.given_back,
            (unsigned long long)report.moved);
    cr_expect_gt(report.given_back, MIB, "%s: not what it is there for", name);
    file_close(copy);
    guid_seed(1);
    cr_assert_eq(compact(walk, recording_file_new(image, trace), &report), 0, "%s: %s", name,
                 error.message);
}

/* image becomes the walk's. */
static void cut(struct walk *walk, struct file *image, bool is_dirty, const char *name)
{
    const struct power_cut_options some = {
        .random_states = 1, .cut_limit = walk->cut_limit, .state_limit = 1, .seed = 2};
    struct power_cut_counts counts = {0};
    struct image_state before = {0};
    struct trace trace = {0};
    const char *wrong = NULL;

    walk->judge = judge_new(&error);
    cr_assert_not_null(walk->judge, "%s", error.message);
    walk->left = contents_of(image);
    if (!is_dirty)
        wrong = image_examine(walk->judge, image, &before);
    cr_assert_null(wrong, "%s, before: %s", name, wrong);
    run(walk, image, &trace, name);
    if (!is_dirty)
        cr_expect(digest_equal(before.tree, walk->done.tree), "%s: another tree", name);
    cr_expect_eq(
        power_cut_walk(&trace, getenv("THOROUGH") ? &thorough : &some, visit, walk, &counts), 0,
        "%s: too much is wrong", name);
    fprintf(stderr, "%s: %zu operations, %llu cuts, %llu states (%llu as before), %llu again\n",
            name, trace.count, (unsigned long long)counts.cuts, (unsigned long long)counts.states,
            walk->lefts, walk->again);
    cr_expect_gt(walk->lefts, 0);
    trace_clear(&trace);
    judge_free(walk->judge);
}

/* What was deleted is stored still, here and there. */
static struct file *used_image(const char *mkfs_options, const char *contents)
{
    const struct resize_scenario scenario = {.name = "used",
                                             .mkfs_options = mkfs_options,
                                             .contents = contents,
                                             .fs_size = 24 * MIB,
                                             .is_vhdx = true};
    struct file *image = resize_scenario_image(&scenario, &error);

    cr_assert_not_null(image, "%s", error.message);
    return image;
}

Test(compaction_power_cut, plain, .timeout = 3000)
{
    struct walk walk = {.request.now = NOW, .again_every = 1, .cut_limit = 20};
    struct file *image = used_image("-b 1024 -N 1024", "30 1500000 0");

    memory_file_set_free_space(image, 2 * MIB);
    cut(&walk, image, false, "plain");
}

Test(compaction_power_cut, zeros, .timeout = 3000)
{
    struct walk walk = {
        .request.zeros = true, .request.now = NOW, .again_every = 1, .cut_limit = 20};

    cut(&walk, used_image("-b 4096 -N 1024 -J size=4", "34 1300000 0"), false, "zeros");
}

Test(compaction_power_cut, deep, .timeout = 3000)
{
    struct walk walk = {.request.deep = true,
                        .tolerance = MIB,
                        .request.now = NOW,
                        .again_every = 4,
                        .cut_limit = 16};

    cut(&walk, used_image("-b 1024 -N 1024", "420 80000 0.02"), false, "deep");
}

Test(compaction_power_cut, deep_without_journal, .timeout = 3000)
{
    struct walk walk = {.request = {.deep = true, .zeros = true},
                        .tolerance = MIB,
                        .request.now = NOW,
                        .again_every = 4,
                        .cut_limit = 16};

    cut(&walk, used_image("-b 1024 -N 1024 -O ^has_journal,^extent,^64bit", "420 80000 0.02"),
        false, "deep, pointers");
}

static void cut_dirty(bool deep, const char *name)
{
    struct walk walk = {.request.deep = deep,
                        .tolerance = deep ? MIB : 0,
                        .request.now = NOW,
                        .again_every = 8,
                        .cut_limit = 60};
    char *path = dirty_filesystem("16M", "-b 1024 -N 1024 -J size=1", "", "create orphans", &error);
    struct file *image;

    if (!path && error.kind == ERROR_NONE)
        cr_skip_test("needs root and loop mounts");
    cr_assert_not_null(path, "%s", error.message);
    guid_seed(1);
    image = image_of(path, 16 * MIB);
    filesystem_remove(path);
    cut(&walk, image, true, name);
}

Test(compaction_power_cut, not_unmounted, .timeout = 3000)
{
    cut_dirty(false, "not unmounted");
}

Test(compaction_power_cut, not_unmounted_deep, .timeout = 3000)
{
    cut_dirty(true, "not unmounted, deep");
}
