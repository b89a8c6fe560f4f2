/* Whatever call to the host fails while a filesystem is resized, and after whatever commit a signal
 * comes: an error, an image that is whole, what is said of its state holds, and resizing goes on
 * from there. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "tests/support/failing-file.h"
#include "tests/support/image.h"
#include "tests/support/judge.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/resize-scenario.h"

static struct error error;

struct setting {
    const struct resize_scenario *scenario;
    struct judge *judge;
    struct file *image;
    struct image_state old;
    struct resize_outcome whole; /* of the undisturbed run */
};

static void set_up(struct setting *setting, const char *name)
{
    struct file *copy;
    const char *wrong;

    setting->scenario = resize_scenario_find(name);
    setting->judge = resize_scenario_judge(setting->scenario, &error);
    cr_assert_not_null(setting->judge, "%s", error.message);
    setting->image = resize_scenario_image(setting->scenario, &error);
    cr_assert_not_null(setting->image, "%s", error.message);
    wrong = image_examine(setting->judge, setting->image, &setting->old);
    cr_assert_null(wrong, "%s", wrong);
    copy = memory_file_snapshot(setting->image);
    cr_assert_eq(resize_scenario_run(setting->scenario, copy, 0, &setting->whole, &error), 0, "%s",
                 error.message);
    cr_assert(resize_scenario_is_met(setting->scenario, &setting->whole));
}

/* Superblock and descriptors: the commits that move anything change them, and no other writes do.
 */
static struct digest digest_of_head(const struct file *image)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(memory_file_snapshot(image), &error);
    struct digest digest = digest_start();
    uint8_t head[4 * KIB];

    cr_assert_not_null(disk, "%s", error.message);
    cr_assert_eq(disk_read(disk, 0, head, sizeof head, &error), 0, "%s", error.message);
    digest_add(&digest, head, sizeof head);
    return digest;
}

static void tear_down(struct setting *setting)
{
    file_close(setting->image);
    judge_free(setting->judge);
}

/* What holds of the file after a run that failed. */
static void check_left(const struct setting *setting, const struct resize_outcome *outcome,
                       const struct file *left, unsigned long long number)
{
    const struct resize_state *state = &outcome->state;
    struct image_state found = {0};
    const char *wrong = image_examine(setting->judge, left, &found);

    cr_expect_gt(strlen(error.message), 10, "%llu: no clear error", number);
    cr_expect_null(wrong, "%llu (%s): %s", number, error.message, wrong);
    if (wrong)
        return;
    cr_expect(digest_equal(found.tree, setting->old.tree), "%llu: another tree", number);
    if (state->changed)
        cr_expect_eq(found.fs_size, setting->whole.fs_size, "%llu: changed, and old", number);
    else if (!state->uncertain)
        cr_expect_eq(found.fs_size, setting->old.fs_size, "%llu: not changed, and new", number);
    /* Commits in which nothing had to move change nothing. */
    if (!state->uncertain && !state->moved && !state->changed)
        cr_expect(digest_equal(digest_of_head(left), digest_of_head(setting->image)),
                  "%llu: more was done than the state says", number);
    if (!state->begun)
        cr_expect(memory_file_equal(left, setting->image), "%llu: not begun, and other bytes",
                  number);
}

static void go_on(const struct setting *setting, const struct file *left, unsigned long long number)
{
    struct file *copy = memory_file_snapshot(left);
    struct resize_outcome outcome;
    struct image_state found = {0};
    const char *wrong = NULL;

    if (resize_scenario_run(setting->scenario, lent_file_new(copy), 0, &outcome, &error))
        wrong = error.message;
    else
        wrong = image_examine(setting->judge, copy, &found);
    cr_expect_null(wrong, "%llu, going on: %s", number, wrong);
    cr_expect(found.fs_size <= setting->whole.fs_size, "%llu, going on: it isn't there", number);
    cr_expect(digest_equal(found.tree, setting->old.tree), "%llu, going on: another tree", number);
    file_close(copy);
}

/* Lets each call fail in turn, or every step-th. kind is a failure whose call isn't set. */
static void fail_everywhere(const char *name, struct failure kind, unsigned step)
{
    uint64_t failures = 0, call = 0, begun = 0, moved = 0, changed = 0;
    struct setting setting;
    bool happened;

    set_up(&setting, name);
    do {
        struct failure failure = kind;
        struct file *left = memory_file_snapshot(setting.image);
        struct resize_outcome outcome;
        int result;

        failure.call = call + 1;
        call += step;
        result = resize_scenario_run(
            setting.scenario, failing_file_new(lent_file_new(left), &failure), 0, &outcome, &error);
        happened = failure.happened;
        if (result) {
            cr_expect(happened, "it failed by itself: %s", error.message);
            check_left(&setting, &outcome, left, failure.call);
            if (failures++ % 8 == 0)
                go_on(&setting, left, failure.call);
            begun += outcome.state.begun;
            moved += outcome.state.moved;
            changed += outcome.state.changed;
        }
        file_close(left);
    } while (happened);
    fprintf(stderr, "%s: %llu calls, %llu failures (begun %llu, moved %llu, changed %llu)\n", name,
            (unsigned long long)call, (unsigned long long)failures, (unsigned long long)begun,
            (unsigned long long)moved, (unsigned long long)changed);
    cr_expect(begun > 10 && moved > 0 && moved < begun, "too few kinds of failure");
    tear_down(&setting);
}

Test(resize_faults, each_call_once, .timeout = 300)
{
    fail_everywhere("a little smaller", (struct failure){.errno_value = EIO}, 5);
}

Test(resize_faults, each_change_once, .timeout = 300)
{
    fail_everywhere("minimum", (struct failure){.errno_value = EIO, .changes_only = true}, 4);
}

Test(resize_faults, each_change_and_all_after, .timeout = 300)
{
    fail_everywhere("a little smaller",
                    (struct failure){.errno_value = EIO, .for_good = true, .changes_only = true},
                    1);
}

Test(resize_faults, full_host, .timeout = 300)
{
    fail_everywhere(
        "a little smaller",
        (struct failure){
            .errno_value = ENOSPC, .for_good = true, .changes_only = true, .half_a_write = true},
        1);
}

Test(resize_faults, raw_each_call_once, .timeout = 300)
{
    fail_everywhere("raw late blocks", (struct failure){.errno_value = EIO, .changes_only = true},
                    3);
}

Test(resize_faults, raw_full_host, .timeout = 300)
{
    fail_everywhere(
        "raw to 64 bit",
        (struct failure){
            .errno_value = ENOSPC, .for_good = true, .changes_only = true, .half_a_write = true},
        3);
}

Test(resize_faults, packing_each_change_once, .timeout = 300)
{
    fail_everywhere("packing", (struct failure){.errno_value = EIO, .changes_only = true}, 4);
}

Test(resize_faults, packing_on_a_full_host, .timeout = 300)
{
    fail_everywhere(
        "packing",
        (struct failure){
            .errno_value = ENOSPC, .for_good = true, .changes_only = true, .half_a_write = true},
        3);
}

Test(resize_faults, raw_packing_each_change_once, .timeout = 300)
{
    fail_everywhere("raw packing", (struct failure){.errno_value = EIO, .changes_only = true}, 4);
}

Test(resize_faults, wide_trees_each_change_once, .timeout = 300)
{
    fail_everywhere("wide trees", (struct failure){.errno_value = EIO, .changes_only = true}, 4);
}

/* A signal before each commit in turn. */
static void interrupt_everywhere(const char *name)
{
    struct setting setting;

    set_up(&setting, name);
    for (size_t at = 1; at <= setting.whole.begun; at++) {
        struct file *left = memory_file_snapshot(setting.image);
        struct resize_outcome outcome;

        cr_expect_eq(
            resize_scenario_run(setting.scenario, lent_file_new(left), at, &outcome, &error), -1,
            "the signal at %zu wasn't seen", at);
        cr_expect_eq(error.kind, ERROR_INTERRUPTED, "at %zu: %s", at, error.message);
        cr_expect(!outcome.state.changed && !outcome.state.uncertain);
        /* The last question but one comes at the beginning of the change, the last one before its
         * commit. */
        cr_expect_eq(outcome.state.moved, at > 1, "at %zu", at);
        check_left(&setting, &outcome, left, at);
        go_on(&setting, left, at);
        file_close(left);
    }
    tear_down(&setting);
}

Test(resize_faults, interruptions, .timeout = 300)
{
    interrupt_everywhere("minimum");
}

Test(resize_faults, interruptions_with_late_blocks, .timeout = 300)
{
    interrupt_everywhere("late blocks");
}

Test(resize_faults, interruptions_with_wide_trees, .timeout = 300)
{
    interrupt_everywhere("wide trees");
}

Test(resize_faults, raw_interruptions, .timeout = 300)
{
    interrupt_everywhere("raw minimum");
}

Test(resize_faults, packing_interruptions, .timeout = 300)
{
    interrupt_everywhere("packing");
}

Test(resize_faults, raw_packing_interruptions, .timeout = 300)
{
    interrupt_everywhere("raw packing");
}
