/* Whatever call to the host fails while an image is shrunk, and compacted afterwards: a clear
 * error, exit status 1, and an image that is the old one, or, from the commit on, the new one,
 * whole. */
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
#include "vhdtool/report.h"
#include "vhdtool/shrink.h"

struct setting {
    struct judge *judge;
    struct file *image;
    struct image_state old;
    struct change_request request;
};

static struct error error;

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
        cr_expect_lt(found.disk_size, setting->old.disk_size, "call %llu: changed, and old",
                     number);
    else if (!report->uncertain)
        cr_expect_eq(found.disk_size, setting->old.disk_size, "call %llu: unchanged, and new",
                     number);
    if (!report->begun)
        cr_expect(memory_file_equal(left, setting->image), "call %llu: begun, and untouched",
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

        failure.call = ++call;
        if (shrink_image(failing_file_new(lent_file_new(left), &failure), &setting->request,
                         &report, &error)) {
            failures++;
            cr_expect(failure.happened, "it failed by itself: %s", error.message);
            check_after_failure(setting, &report, left, call);
        }
        happened = failure.happened;
        file_close(left);
    } while (happened);
    cr_expect_gt(failures, 20, "only %llu failures", (unsigned long long)failures);
    fprintf(stderr, "%llu calls, %llu of them failing the command\n", (unsigned long long)call - 1,
            (unsigned long long)failures);
}

static void run(struct file *image, const char *new_size, struct failure kind)
{
    struct setting setting = {.image = image, .request = {.size = new_size, .now = 1700000000}};
    const char *wrong;

    guid_seed(1);
    setting.judge = judge_new(&error);
    cr_assert_not_null(setting.judge, "%s", error.message);
    wrong = image_examine(setting.judge, setting.image, &setting.old);
    cr_assert_null(wrong, "%s", wrong);
    fail_everywhere(&setting, kind);
    file_close(setting.image);
    judge_free(setting.judge);
}

static struct file *vhdx(void)
{
    return image_with_ext4("-b 1024 -g 4096", 40 * MIB, 40 * MIB);
}

static struct file *raw(void)
{
    return raw_image_with_ext4("-b 1024 -g 4096", 40 * MIB, 40 * MIB);
}

Test(shrink_faults, each_call_once, .timeout = 300)
{
    run(vhdx(), "18M", (struct failure){.errno_value = EIO, .changes_only = true});
}

Test(shrink_faults, each_call_and_all_after, .timeout = 300)
{
    run(vhdx(), "18M",
        (struct failure){.errno_value = EIO, .for_good = true, .changes_only = true});
}

Test(shrink_faults, full_host, .timeout = 300)
{
    run(vhdx(), "18M",
        (struct failure){
            .errno_value = ENOSPC, .for_good = true, .changes_only = true, .half_a_write = true});
}

Test(shrink_faults, reading_fails, .timeout = 300)
{
    run(vhdx(), "18M", (struct failure){.errno_value = EIO});
}

Test(shrink_faults, raw_each_call_once, .timeout = 300)
{
    run(raw(), "18M", (struct failure){.errno_value = EIO, .changes_only = true});
}
