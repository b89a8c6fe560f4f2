/* Compacting a raw image: what isn't used becomes holes, what is used stays as it is, whatever
 * fails and wherever the power is cut; and the plan says how much the host gets back. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "tests/support/failing-file.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/power-cut.h"
#include "tests/support/recording-file.h"

#define PAGE MEMORY_FILE_PAGE_SIZE
#define PAGES 12
#define TAIL 2560 /* behind them: no whole number of 4096 */

static struct error error;
static const struct disk_watch nobody = {NULL, NULL};

/* Pages 2 to 6, half of page 8, and all from page 10 on. */
static const struct disk_unused unused[] = {
    {DISK_UNUSED_FREE, 2 * PAGE, 2 * PAGE},
    {DISK_UNUSED_BLANK, 4 * PAGE, 3 * PAGE},
    {DISK_UNUSED_ZEROS, 8 * PAGE, PAGE / 2},
    {DISK_UNUSED_FREE, 10 * PAGE, 2 * PAGE + TAIL},
};

#define UNUSED_COUNT (sizeof unused / sizeof *unused)
#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

static bool is_unused(uint64_t offset)
{
    for (size_t i = 0; i < UNUSED_COUNT; i++)
        if (offset >= unused[i].offset && offset - unused[i].offset < unused[i].size)
            return true;
    return false;
}

/* Data everywhere but in page 5, a letter for each 512 bytes. */
static int letter_at(uint64_t offset)
{
    bool zero = offset / PAGE == 5 || (offset >= 8 * PAGE && offset < 8 * PAGE + PAGE / 2);

    return zero ? 0 : 'a' + (int)(offset / 512 % 23);
}

static struct file *make_image(void)
{
    struct file *image = memory_file_new(PAGES * PAGE + TAIL);

    for (uint64_t at = 0; at < PAGES * PAGE + TAIL; at += 512) {
        uint8_t bytes[512];

        memset(bytes, letter_at(at), sizeof bytes);
        MUST(file_write(image, at, bytes, sizeof bytes, &error));
    }
    return image;
}

static struct disk *open_disk(struct file *file)
{
    struct disk *disk = image_open(file, &error);

    cr_assert_not_null(disk, "%s", error.message);
    return disk;
}

static struct disk_compaction *plan(struct disk *disk)
{
    struct disk_compaction *compaction = NULL;

    MUST(disk_plan_compaction(disk, unused, UNUSED_COUNT, &compaction, &error));
    return compaction;
}

static int compact(struct disk *disk, const struct disk_watch *watch)
{
    struct disk_compaction *compaction = plan(disk);
    int result = disk_compact(disk, compaction, watch, &error);

    disk_compaction_free(compaction);
    return result;
}

/* What is used is there; the rest too, or it is zeros; with done, it is zeros. */
static void expect_contents(struct file *image, bool done, const char *when)
{
    struct disk *disk = open_disk(memory_file_snapshot(image));

    cr_assert_eq(disk->size, PAGES * PAGE + TAIL);
    for (uint64_t at = 0; at < disk->size; at += 512) {
        bool may_be_zeros = is_unused(at), must_be = done && may_be_zeros && at < PAGES * PAGE;
        uint8_t bytes[512];

        MUST(disk_read(disk, at, bytes, sizeof bytes, &error));
        for (size_t i = 0; i < sizeof bytes; i++)
            cr_assert(bytes[i] == (must_be ? 0 : letter_at(at)) || (may_be_zeros && bytes[i] == 0),
                      "%s: byte %llu", when, (unsigned long long)(at + i));
    }
    disk_close(disk);
}

Test(raw_compaction, what_is_unused_becomes_holes)
{
    struct file *image = make_image();
    struct disk *disk = open_disk(lent_file_new(image));
    struct disk_compaction *compaction = plan(disk);
    uint64_t stored = memory_file_stored_size(image);

    cr_expect_eq(compaction->file_size, PAGES * PAGE + TAIL);
    cr_expect_eq(compaction->given_back, 6 * PAGE + PAGE / 2, "without page 5: %llu",
                 (unsigned long long)compaction->given_back);
    cr_expect_eq(compaction->forgotten, compaction->given_back);
    cr_expect_eq(compaction->moved, 0);
    MUST(disk_compact(disk, compaction, &nobody, &error));
    cr_expect(disk->committed);
    disk_compaction_free(compaction);
    /* this host has storage in whole pages of its own */
    cr_expect_eq(memory_file_stored_size(image), stored - 6 * PAGE);
    disk_close(disk);
    expect_contents(image, true, "done");
    file_close(image);
}

Test(raw_compaction, the_second_time_there_is_nothing_left)
{
    static const struct disk_unused whole_pages = {DISK_UNUSED_FREE, 2 * PAGE, 5 * PAGE};
    struct file *image = make_image();
    struct disk *disk = open_disk(lent_file_new(image));

    for (uint64_t expected = 4 * PAGE; expected != UINT64_MAX;
         expected = expected ? 0 : UINT64_MAX) {
        struct disk_compaction *compaction;

        MUST(disk_plan_compaction(disk, &whole_pages, 1, &compaction, &error));
        cr_expect_eq(compaction->given_back, expected);
        MUST(disk_compact(disk, compaction, &nobody, &error));
        cr_expect_eq(disk->committed, expected > 0);
        disk_compaction_free(compaction);
    }
    MUST(disk_begin(disk, &error));
    MUST(disk_write(disk, 3 * PAGE, "new", 3, &error));
    MUST(disk_commit(disk, &error));
    disk_close(disk);
    file_close(image);
}

/* Its page in the middle of what is unused counts as stored, and as data. */
static struct file *make_pending(void)
{
    struct failure failure = {.errno_value = EIO, .for_good = true, .changes_only = true};

    for (failure.call = 1;; failure.call++) {
        struct file *image = make_image();
        struct disk *disk = open_disk(failing_file_new(lent_file_new(image), &failure));
        bool found;

        failure.calls = 0;
        cr_assert_neq(disk_begin(disk, &error) ||
                          disk_write(disk, 5 * PAGE + 4096, "x", 1, &error) ||
                          disk_write(disk, 9 * PAGE, "xyz", 3, &error) || disk_commit(disk, &error),
                      0);
        found = disk->committed;
        disk_close(disk);
        if (found)
            return image;
        file_close(image);
    }
}

Test(raw_compaction, what_was_interrupted_is_finished_first)
{
    struct file *image = make_pending();
    struct disk *disk = open_disk(lent_file_new(image));
    struct disk_compaction *compaction = plan(disk);
    uint8_t bytes[3];

    cr_assert_not_null(memory_file_side(image));
    cr_expect_eq(compaction->given_back, 6 * PAGE + PAGE / 2 + 4096);
    MUST(disk_compact(disk, compaction, &nobody, &error));
    disk_compaction_free(compaction);
    cr_expect_null(memory_file_side(image));
    MUST(disk_read(disk, 9 * PAGE, bytes, 3, &error));
    cr_expect_eq(memcmp(bytes, "xyz", 3), 0);
    MUST(disk_read(disk, 5 * PAGE + 4096, bytes, 1, &error));
    cr_expect_eq(bytes[0], 0);
    disk_close(disk);
    file_close(image);
}

static int looks;

static bool interrupted(void)
{
    return --looks < 0;
}

Test(raw_compaction, it_can_be_interrupted_and_run_again)
{
    const struct disk_watch watch = {NULL, interrupted};

    for (int before = 0; before < 5; before++) {
        struct file *image = make_image();
        struct disk *disk = open_disk(lent_file_new(image));
        int result;

        looks = before;
        result = compact(disk, &watch);
        cr_expect_eq(result, before < 4 ? -1 : 0, "four runs of data");
        cr_expect(result == 0 || error.kind == ERROR_INTERRUPTED);
        cr_expect_eq(disk->committed, before > 0);
        expect_contents(image, result == 0, "interrupted");
        MUST(compact(disk, &nobody));
        expect_contents(image, true, "again");
        disk_close(disk);
        file_close(image);
    }
}

static int device_facts(struct file *file, struct file_host_facts *ret_facts,
                        struct error *ret_error)
{
    (void)file;
    (void)ret_error;
    *ret_facts = (struct file_host_facts){.is_device = true};
    return 0;
}

/* Zeros are not written instead. */
Test(raw_compaction, devices_and_hosts_without_holes_are_refused)
{
    struct file *image = make_image(), *file = lent_file_new(image);
    struct file *before = memory_file_snapshot(image);
    struct file_operations operations = *file->operations;
    struct disk_compaction *compaction;
    struct disk *disk;

    operations.punch = NULL;
    file->operations = &operations;
    disk = open_disk(file);
    cr_expect_eq(compact(disk, &nobody), -1);
    cr_expect_eq(error.kind, ERROR_UNSUPPORTED);
    cr_expect_not(disk->committed);
    cr_expect_not(disk->failed);
    operations.host_facts = device_facts;
    cr_expect_eq(disk_plan_compaction(disk, unused, UNUSED_COUNT, &compaction, &error), -1);
    cr_expect_eq(error.kind, ERROR_UNSUPPORTED);
    disk_close(disk);
    cr_expect(memory_file_equal(image, before));
    file_close(before);
    file_close(image);
}

static int look(struct file *state, const char *what, void *context)
{
    expect_contents(state, false, what);
    ++*(int *)context;
    file_close(state);
    return 0;
}

Test(raw_compaction, a_power_cut_leaves_what_is_used)
{
    const struct power_cut_options options = {.random_states = 40, .seed = 1};
    struct file *image = make_image();
    struct trace trace = {0};
    struct disk *disk = open_disk(recording_file_new(memory_file_snapshot(image), &trace));
    int states = 0;

    MUST(compact(disk, &nobody));
    cr_assert_eq(trace.operations[trace.count - 1].kind, OPERATION_FLUSH);
    cr_assert_eq(power_cut_walk(&trace, &options, look, &states, NULL), 0);
    cr_expect_gt(states, 100);
    disk_close(disk);
    trace_clear(&trace);
    file_close(image);
}

static void fail_everywhere(struct failure failure)
{
    unsigned long long call = 0;

    do {
        struct file *image = make_image();
        struct disk *disk = open_disk(failing_file_new(lent_file_new(image), &failure));
        struct disk_compaction *compaction = plan(disk);
        int result;

        failure.calls = 0;
        failure.happened = false;
        failure.call = ++call;
        result = disk_compact(disk, compaction, &nobody, &error);
        cr_expect_eq(result, failure.happened ? -1 : 0, "call %llu", call);
        cr_expect_eq(disk->failed, failure.happened, "call %llu", call);
        failure.call = 0;
        if (failure.happened)
            cr_expect_eq(disk_begin(disk, &error), -1, "call %llu: goes on (D5)", call);
        disk_compaction_free(compaction);
        disk_close(disk);
        expect_contents(image, result == 0, "failed");
        disk = open_disk(lent_file_new(image));
        MUST(compact(disk, &nobody));
        disk_close(disk);
        expect_contents(image, true, "after a failure");
        file_close(image);
    } while (failure.happened);
    cr_expect_gt(call, 5);
}

Test(raw_compaction, any_call_may_fail)
{
    fail_everywhere((struct failure){.errno_value = EIO});
    fail_everywhere((struct failure){.errno_value = EIO, .for_good = true});
    fail_everywhere(
        (struct failure){.errno_value = EIO, .changes_only = true, .half_a_write = true});
}
