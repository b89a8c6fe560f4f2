/* Whatever call to the host fails while an image with an ext4 is compacted, and before whatever
 * commit a signal comes: an error, an image that is whole, what is said of its state holds, and
 * compacting goes on from there. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/guid.h"
#include "compaction/compaction.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "tests/support/dirty-filesystem.h"
#include "tests/support/failing-file.h"
#include "tests/support/image.h"
#include "tests/support/judge.h"
#include "tests/support/lent-file.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/memory-file.h"
#include "tests/support/resize-scenario.h"

struct setting {
    struct compaction_request request;
    uint64_t tolerance; /* bytes: by which a second compaction may end elsewhere */
    struct judge *judge;
    struct file *image;
    struct digest left;      /* its contents */
    struct digest head;      /* superblock and descriptors, which every commit of deep changes */
    struct image_state done; /* of the undisturbed run */
    uint64_t file_size;      /* likewise */
    unsigned long long failures, untouched, unchanged, changed, uncertain;
};

static struct error error;

static int compact(const struct setting *setting, struct file *file,
                   struct compaction_report *ret_report)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(file, &error);

    *ret_report = (struct compaction_report){0};
    return disk ? compaction_run(disk, &setting->request, ret_report, &error) : -1;
}

static struct digest contents_of(const struct file *image)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(memory_file_snapshot(image), &error);
    struct digest contents;

    cr_assert_not_null(disk, "%s", error.message);
    cr_assert_eq(judge_contents(disk, &contents, &error), 0, "%s", error.message);
    return contents;
}

static struct digest head_of(const struct file *image)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(memory_file_snapshot(image), &error);
    struct digest digest = digest_start();
    uint8_t head[4 * KIB];

    cr_assert_not_null(disk, "%s", error.message);
    cr_assert_eq(disk_read(disk, 0, head, sizeof head, &error), 0, "%s", error.message);
    digest_add(&digest, head, sizeof head);
    return digest;
}

/* image becomes the setting's. */
static void set_up(struct setting *setting, struct file *image)
{
    struct file *copy = memory_file_snapshot(image);
    struct compaction_report report;
    const char *wrong;

    setting->request.now = 1700000000;
    setting->judge = judge_new(&error);
    cr_assert_not_null(setting->judge, "%s", error.message);
    setting->image = image;
    setting->left = contents_of(image);
    setting->head = head_of(image);
    cr_assert_eq(compact(setting, lent_file_new(copy), &report), 0, "%s", error.message);
    cr_expect(report.begun && report.changed && !report.uncertain);
    cr_assert_eq(file_get_size(copy, &setting->file_size, &error), 0);
    wrong = image_examine(setting->judge, copy, &setting->done);
    cr_assert_null(wrong, "%s", wrong);
    file_close(copy);
}

static void tear_down(struct setting *setting)
{
    fprintf(stderr,
            "%llu failures (%llu untouched, %llu unchanged, %llu changed, %llu uncertain)\n",
            setting->failures, setting->untouched, setting->unchanged, setting->changed,
            setting->uncertain);
    file_close(setting->image);
    judge_free(setting->judge);
}

/* What holds of the file after a run that failed. */
static void check_left(struct setting *setting, const struct compaction_report *report,
                       const struct file *left, unsigned long long number)
{
    bool as_left = digest_equal(contents_of(left), setting->left);
    struct image_state found = {0};
    const char *wrong = as_left ? NULL : image_examine(setting->judge, left, &found);

    cr_expect_gt(strlen(error.message), 10, "%llu: no clear error", number);
    cr_expect_null(wrong, "%llu (%s): %s", number, error.message, wrong);
    if (!as_left && !wrong)
        cr_expect(digest_equal(found.tree, setting->done.tree), "%llu: another tree", number);
    /* Packing writes to free blocks before its commit. */
    if (setting->request.deep ? !digest_equal(head_of(left), setting->head) : !as_left)
        cr_expect(report->changed || report->uncertain, "%llu: not changed, and other contents",
                  number);
    if (!setting->request.deep && report->changed && !report->uncertain)
        cr_expect(!as_left, "%llu: changed, and as it was left", number);
    if (!report->begun)
        cr_expect(memory_file_equal(left, setting->image), "%llu: not begun, and other bytes",
                  number);
    setting->failures++;
    setting->untouched += !report->begun;
    setting->unchanged += report->begun && !report->changed;
    setting->changed += report->changed;
    setting->uncertain += report->uncertain;
}

static void go_on(const struct setting *setting, struct file *left, unsigned long long number)
{
    struct compaction_report report;
    struct image_state found = {0};
    const char *wrong = NULL;
    uint64_t size = 0;

    if (compact(setting, lent_file_new(left), &report) || file_get_size(left, &size, &error))
        wrong = error.message;
    else
        wrong = image_examine(setting->judge, left, &found);
    cr_expect_null(wrong, "%llu, going on: %s", number, wrong);
    cr_expect(digest_equal(found.tree, setting->done.tree), "%llu, going on: another tree", number);
    cr_expect_leq(size, setting->file_size + setting->tolerance, "%llu, going on: %llu bytes",
                  number, (unsigned long long)size);
}

/* Lets each call fail in turn, or every step-th. kind is a failure whose call isn't set. */
static void fail_everywhere(struct setting *setting, struct failure kind, unsigned step)
{
    uint64_t call = 0;
    bool happened;

    do {
        struct failure failure = kind;
        struct file *left = memory_file_snapshot(setting->image);
        struct compaction_report report;

        failure.call = call + 1;
        call += step;
        if (compact(setting, failing_file_new(lent_file_new(left), &failure), &report)) {
            cr_expect(failure.happened, "it failed by itself: %s", error.message);
            check_left(setting, &report, left, failure.call);
            if (setting->failures % 4 == 0)
                go_on(setting, left, failure.call);
        }
        happened = failure.happened;
        file_close(left);
    } while (happened);
    cr_expect(setting->unchanged > 0 && setting->changed > 0, "too few kinds of failure");
}

static const struct failure once = {.errno_value = EIO, .changes_only = true};
static const struct failure full = {
    .errno_value = ENOSPC, .for_good = true, .changes_only = true, .half_a_write = true};

static struct file *used_image(void)
{
    const struct resize_scenario scenario = {.name = "used",
                                             .mkfs_options = "-b 1024 -N 1024 -J size=1",
                                             .contents = "30 1500000 0",
                                             .fs_size = 24 * MIB,
                                             .is_vhdx = true};
    struct file *image = resize_scenario_image(&scenario, &error);

    cr_assert_not_null(image, "%s", error.message);
    return image;
}

static struct file *dirty_image(void)
{
    char *path = dirty_filesystem("16M", "-b 1024 -N 1024 -J size=1", "", "create orphans", &error);
    struct file *image;

    if (!path && error.kind == ERROR_NONE)
        cr_skip_test("needs root and loop mounts");
    cr_assert_not_null(path, "%s", error.message);
    image = image_of(path, 16 * MIB);
    filesystem_remove(path);
    return image;
}

Test(compaction_faults, each_change_once, .timeout = 300)
{
    struct setting setting = {0};

    guid_seed(1);
    set_up(&setting, used_image());
    fail_everywhere(&setting, once, 1);
    tear_down(&setting);
}

Test(compaction_faults, deep_each_change_once, .timeout = 300)
{
    struct setting setting = {.request.deep = true, .tolerance = MIB};

    guid_seed(1);
    set_up(&setting, used_image());
    fail_everywhere(&setting, once, 2);
    tear_down(&setting);
}

Test(compaction_faults, deep_full_host, .timeout = 300)
{
    struct setting setting = {.request.deep = true, .tolerance = MIB};

    guid_seed(1);
    set_up(&setting, used_image());
    fail_everywhere(&setting, full, 2);
    tear_down(&setting);
}

Test(compaction_faults, not_unmounted, .timeout = 300)
{
    struct setting setting = {0};

    guid_seed(1);
    set_up(&setting, dirty_image());
    fail_everywhere(&setting, full, 3);
    tear_down(&setting);
}

/* A signal handler's flag, as it were. */
static unsigned asked, interrupted_at;

static bool is_interrupted(void)
{
    return ++asked == interrupted_at;
}

static void interrupt_everywhere(bool deep)
{
    struct setting setting = {.request.deep = deep, .tolerance = deep ? MIB : 0};
    unsigned questions;

    guid_seed(1);
    setting.request.interrupted = is_interrupted;
    asked = interrupted_at = 0;
    set_up(&setting, used_image());
    questions = asked;
    for (unsigned at = 1; at <= questions; at++) {
        struct file *left = memory_file_snapshot(setting.image);
        struct compaction_report report;

        asked = 0, interrupted_at = at;
        cr_expect_eq(compact(&setting, lent_file_new(left), &report), -1, "%u wasn't seen", at);
        cr_expect_eq(error.kind, ERROR_INTERRUPTED, "at %u: %s", at, error.message);
        cr_expect(!report.uncertain);
        check_left(&setting, &report, left, at);
        interrupted_at = 0;
        go_on(&setting, left, at);
        file_close(left);
    }
    cr_expect_gt(setting.changed, 0);
    tear_down(&setting);
}

Test(compaction_faults, interruptions, .timeout = 300)
{
    interrupt_everywhere(false);
    interrupt_everywhere(true);
}
