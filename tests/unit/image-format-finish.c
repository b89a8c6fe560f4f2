/* Finishing what was committed and cut off: whatever moment that is cut off itself, and whatever
 * call to the host fails, the disk is the new one. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "image-format/vhdx/vhdx.h"
#include "tests/support/failing-file.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/power-cut.h"
#include "tests/support/recording-file.h"

#define SIZE (8 * MIB)
#define PENDING_STATES 20 /* of those with a commit to finish, the one that is taken */

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

static struct error error;

static struct file *make_image(bool is_vhdx)
{
    const struct vhdx_create_options options = {SIZE, MIB, 512, 4096, {{1}}};
    struct file *file = memory_file_new(is_vhdx ? 0 : SIZE);

    if (is_vhdx)
        MUST(vhdx_create(file, &options, &error));
    return file;
}

/* Commits text at two places. Takes ownership of the file. */
static void write_texts(struct file *file, const char *text)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(file, &error);

    cr_assert_not_null(disk, "%s", error.message);
    MUST(disk_begin(disk, &error));
    MUST(disk_write(disk, 0, text, strlen(text), &error));
    MUST(disk_write(disk, SIZE - 100, text, strlen(text), &error));
    MUST(disk_commit(disk, &error));
}

static bool is_pending(const struct file *image)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(memory_file_snapshot(image), &error);
    struct disk_description description;

    cr_assert_not_null(disk, "%s", error.message);
    MUST(disk_describe(disk, &description, &error));
    return strcmp(description.log, "dirty") == 0;
}

static void expect_new(const struct file *image, const char *what)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(memory_file_snapshot(image), &error);
    char first[4] = "", second[4] = "";

    cr_assert_not_null(disk, "%s: %s", what, error.message);
    MUST(disk_read(disk, 0, first, 3, &error));
    MUST(disk_read(disk, SIZE - 100, second, 3, &error));
    cr_expect(strcmp(first, "new") == 0 && strcmp(second, "new") == 0, "%s: %s, %s", what, first,
              second);
}

struct search {
    struct file *found;
    int count;
};

static int look(struct file *state, const char *what, void *context)
{
    struct search *search = context;

    (void)what;
    if (!is_pending(state)) {
        file_close(state);
        return 0;
    }
    file_close(search->found);
    search->found = state;
    return ++search->count == PENDING_STATES;
}

/* An image with a commit that isn't in its place, or is in part. */
static struct file *make_pending(bool is_vhdx)
{
    const struct power_cut_options options = {.random_states = 4, .seed = 1};
    struct file *file = make_image(is_vhdx);
    struct search search = {0};
    struct trace trace = {0};

    write_texts(lent_file_new(file), "old");
    write_texts(recording_file_new(file, &trace), "new");
    cr_assert_geq(power_cut_walk(&trace, &options, look, &search, NULL), 0);
    cr_assert_not_null(search.found, "no commit is pending anywhere");
    trace_clear(&trace);
    return search.found;
}

/* Takes ownership of the file. */
static int finish(struct file *file, bool *ret_finished)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(file, &error);

    *ret_finished = false;
    return disk ? image_finish(disk, ret_finished, &error) : -1;
}

static int visit(struct file *state, const char *what, void *context)
{
    bool finished;

    (void)context;
    expect_new(state, what);
    MUST(finish(lent_file_new(state), &finished));
    cr_expect_not(is_pending(state), "%s", what);
    expect_new(state, what);
    file_close(state);
    return 0;
}

static void cut(bool is_vhdx)
{
    const struct power_cut_options all = {.random_states = 4, .seed = 1};
    struct trace trace = {0};
    bool finished;

    MUST(finish(recording_file_new(make_pending(is_vhdx), &trace), &finished));
    cr_expect(finished);
    cr_expect_eq(power_cut_walk(&trace, &all, visit, NULL, NULL), 0);
    trace_clear(&trace);
}

Test(image_finish, raw_cut_anywhere)
{
    cut(false);
}

Test(image_finish, vhdx_cut_anywhere)
{
    cut(true);
}

static void fail_each_call(bool is_vhdx)
{
    struct file *image = make_pending(is_vhdx);
    struct failure failure = {.errno_value = EIO};
    unsigned failures = 0;

    do {
        struct file *left = memory_file_snapshot(image);
        bool finished;
        int result;

        failure.calls = 0, failure.happened = false, failure.call++;
        result = finish(failing_file_new(lent_file_new(left), &failure), &finished);
        cr_expect(result == 0 || failure.happened, "it failed by itself: %s", error.message);
        cr_expect(result != 0 || (finished && !is_pending(left)), "call %u",
                  (unsigned)failure.call);
        failures += result != 0;
        expect_new(left, error.message);
        file_close(left);
    } while (failure.happened);
    cr_expect_gt(failures, 3);
    file_close(image);
}

Test(image_finish, every_call_of_raw_fails_once)
{
    fail_each_call(false);
}

Test(image_finish, every_call_of_vhdx_fails_once)
{
    fail_each_call(true);
}

Test(image_finish, nothing_to_finish_writes_nothing)
{
    for (int is_vhdx = 0; is_vhdx < 2; is_vhdx++) {
        struct file *image = make_image(is_vhdx), *left = memory_file_snapshot(image);
        bool finished;

        MUST(finish(lent_file_new(left), &finished));
        cr_expect_not(finished);
        cr_expect(memory_file_equal(left, image));
        file_close(left);
        file_close(image);
    }
}
