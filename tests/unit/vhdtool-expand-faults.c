/* Whatever call to the host fails while an image is expanded: a clear error, exit status 1, and an
 * image that is the old one, or, from the commit on, the new one, whole. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/guid.h"
#include "image-format/file.h"
#include "tests/support/failing-file.h"
#include "tests/support/image.h"
#include "tests/support/judge.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "vhdtool/expand.h"
#include "vhdtool/report.h"

static struct error error;

struct setting {
    struct judge *judge;
    struct file *image;
    struct image_state old;
    struct change_request request;
};

static void set_up_image(struct setting *setting, struct file *image, const char *new_size)
{
    const char *wrong;

    guid_seed(1);
    setting->judge = judge_new(&error);
    cr_assert_not_null(setting->judge, "%s", error.message);
    setting->image = image;
    setting->request = (struct change_request){.size = new_size, .now = 1700000000};
    wrong = image_examine(setting->judge, setting->image, &setting->old);
    cr_assert_null(wrong, "%s", wrong);
}

static void set_up(struct setting *setting, const char *mkfs_options, const char *new_size)
{
    set_up_image(setting, image_with_ext4(mkfs_options, 16 * MIB, 16 * MIB), new_size);
}

static void tear_down(struct setting *setting)
{
    file_close(setting->image);
    judge_free(setting->judge);
}

static void check_after_failure(const struct setting *setting, const struct change_report *report,
                                const struct file *left, uint64_t call)
{
    unsigned long long number = call;
    struct image_state found = {0};
    const char *wrong = image_examine(setting->judge, left, &found);

    cr_expect(strlen(error.message) > 10, "call %llu: no clear error", number);
    cr_expect_eq(report->begun ? STATUS_FAILED : exit_status(&error, true), STATUS_FAILED,
                 "call %llu: %s", number, error.message);
    cr_expect_null(wrong, "call %llu (%s): %s", number, error.message, wrong);
    if (wrong)
        return;
    cr_expect(digest_equal(found.tree, setting->old.tree), "call %llu: another tree", number);
    if (report->changed)
        cr_expect_gt(found.fs_size, setting->old.fs_size, "call %llu: changed, and old", number);
    else if (!report->uncertain && found.disk_size > setting->old.disk_size)
        cr_expect_eq(found.fs_size, setting->old.fs_size, "call %llu: longer", number);
    else if (!report->uncertain)
        cr_expect(digest_equal(found.contents, setting->old.contents), "call %llu: other contents",
                  number);
}

/* Lets each call fail in turn. kind is a failure whose call isn't set. */
static void fail_everywhere(const struct setting *setting, struct failure kind)
{
    uint64_t call = 0, failures = 0;
    bool happened;

    do {
        struct failure failure = kind;
        struct file *left = memory_file_snapshot(setting->image);
        struct change_report report;
        int result;

        failure.call = ++call;
        result = expand_image(failing_file_new(lent_file_new(left), &failure), &setting->request,
                              &report, &error);
        happened = failure.happened;
        if (result) {
            failures++;
            cr_expect(happened, "it failed by itself: %s", error.message);
            check_after_failure(setting, &report, left, call);
        }
        file_close(left);
    } while (happened);
    cr_expect_gt(failures, 20, "only %llu failures", (unsigned long long)failures);
    fprintf(stderr, "%llu calls, %llu of them failing the command\n", (unsigned long long)call - 1,
            (unsigned long long)failures);
}

static void run_raw(struct failure kind)
{
    struct setting setting;

    set_up_image(&setting, raw_image_with_ext4("-b 1024", 16 * MIB, 16 * MIB), "64M");
    fail_everywhere(&setting, kind);
    tear_down(&setting);
}

static void run(const char *mkfs_options, const char *new_size, struct failure kind)
{
    struct setting setting;

    set_up(&setting, mkfs_options, new_size);
    fail_everywhere(&setting, kind);
    tear_down(&setting);
}

Test(expand_faults, each_call_once, .timeout = 300)
{
    run("-b 1024", "64M", (struct failure){.errno_value = EIO});
}

Test(expand_faults, each_call_and_all_after, .timeout = 300)
{
    run("-b 1024", "64M", (struct failure){.errno_value = EIO, .for_good = true});
}

Test(expand_faults, full_host, .timeout = 300)
{
    run("-b 4096", "140G",
        (struct failure){
            .errno_value = ENOSPC, .for_good = true, .changes_only = true, .half_a_write = true});
}

/* Raw images, whose changes go through a journal beside them. */
Test(expand_faults, raw_each_call_once, .timeout = 300)
{
    run_raw((struct failure){.errno_value = EIO, .changes_only = true});
}

Test(expand_faults, raw_full_host, .timeout = 300)
{
    run_raw((struct failure){
        .errno_value = ENOSPC, .for_good = true, .changes_only = true, .half_a_write = true});
}

/* The host says beforehand that it has no room: nothing is written. */
Test(expand_faults, no_room_is_refused)
{
    struct setting setting;
    struct file *left;
    struct change_report report;

    set_up(&setting, "-b 1024", "64M");
    left = memory_file_snapshot(setting.image);
    memory_file_set_free_space(left, MIB);
    cr_expect_eq(expand_image(lent_file_new(left), &setting.request, &report, &error), -1);
    cr_expect_eq(exit_status(&error, true), STATUS_REFUSED);
    cr_expect(memory_file_equal(left, setting.image));
    file_close(left);
    tear_down(&setting);
}

static bool always(void)
{
    return true;
}

/* A signal that comes before the commit: the old disk is there, and the message says why. */
Test(expand_faults, an_interruption_leaves_the_old_disk)
{
    struct setting setting;
    struct file *left;
    struct change_report report;
    struct image_state found = {0};
    const char *wrong;

    set_up(&setting, "-b 1024", "64M");
    setting.request.interrupted = always;
    left = memory_file_snapshot(setting.image);
    cr_expect_eq(expand_image(lent_file_new(left), &setting.request, &report, &error), -1);
    cr_expect_eq(error.kind, ERROR_INTERRUPTED);
    cr_expect(!report.changed && !report.uncertain);
    wrong = image_examine(setting.judge, left, &found);
    cr_expect_null(wrong, "%s", wrong);
    cr_expect(digest_equal(found.contents, setting.old.contents));
    file_close(left);
    tear_down(&setting);
}
