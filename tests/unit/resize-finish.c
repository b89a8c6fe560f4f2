/* Copies of the superblock that a cut has left stale are written anew by the next run; whatever
 * moment that is cut off itself, and whatever call to the host fails. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "resize/finish.h"
#include "tests/support/failing-file.h"
#include "tests/support/image.h"
#include "tests/support/judge.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/power-cut.h"
#include "tests/support/recording-file.h"

#define FS_SIZE (24 * MIB)
#define COPIES_START (8193 * KIB) /* of group 1: superblock and descriptors */
#define COPIES_SIZE (2 * KIB)
#define SUPER_GEOMETRY_SIZE 12 /* of its first bytes: inodes, blocks, reserved ones */

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

static struct error error;

static struct file *make_image(bool is_vhdx)
{
    const char *options = "-b 1024 -O ^resize_inode";

    return is_vhdx ? image_with_ext4(options, FS_SIZE, FS_SIZE)
                   : raw_image_with_ext4(options, FS_SIZE, FS_SIZE);
}

static void read_copies(const struct file *image, uint8_t *ret_copies)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(memory_file_snapshot(image), &error);

    cr_assert_not_null(disk, "%s", error.message);
    MUST(disk_read(disk, COPIES_START, ret_copies, COPIES_SIZE, &error));
}

static void make_stale(struct file *image)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(lent_file_new(image), &error);
    uint8_t other[COPIES_SIZE] = {0};

    cr_assert_not_null(disk, "%s", error.message);
    MUST(disk_begin(disk, &error));
    MUST(disk_write(disk, COPIES_START, other, sizeof other, &error));
    MUST(disk_commit(disk, &error));
}

/* Takes ownership of the file. */
static int finish(struct file *file, bool *ret_was_unfinished)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(file, &error);
    const char *what;
    struct ext4 ext4;
    int result;

    *ret_was_unfinished = false;
    if (!disk || ext4_open_checked(disk, false, &ext4, &error))
        return -1;
    result = resize_find_unfinished(disk, &ext4, &what, &error);
    *ret_was_unfinished = result == 0 && what;
    if (*ret_was_unfinished)
        result = resize_finish(disk, &ext4, &error);
    ext4_release(&ext4);
    return result;
}

struct setting {
    struct judge *judge;
    struct file *image;        /* its copies are stale */
    uint8_t good[COPIES_SIZE]; /* as an undisturbed run leaves them */
    uint64_t unfinished, finished;
};

/* An image in any state: it is whole, and the next run leaves good copies. */
static void check_left(struct setting *setting, struct file *left, const char *what)
{
    struct image_state found;
    const char *wrong = image_examine(setting->judge, left, &found);
    uint8_t copies[COPIES_SIZE];
    bool was_unfinished;

    cr_expect_null(wrong, "%s: %s", what, wrong);
    MUST(finish(lent_file_new(left), &was_unfinished));
    *(was_unfinished ? &setting->unfinished : &setting->finished) += 1;
    read_copies(left, copies);
    cr_expect_eq(memcmp(copies, setting->good, COPIES_SIZE), 0, "%s: stale copies", what);
}

static int visit(struct file *state, const char *what, void *context)
{
    check_left(context, state, what);
    file_close(state);
    return 0;
}

/* trace: of an undisturbed run. */
static void set_up(struct setting *setting, bool is_vhdx, struct trace *ret_trace)
{
    uint8_t old[COPIES_SIZE];
    struct file *whole;
    bool was_unfinished;

    *setting = (struct setting){.judge = judge_new(&error), .image = make_image(is_vhdx)};
    cr_assert_not_null(setting->judge, "%s", error.message);
    read_copies(setting->image, old);
    make_stale(setting->image);
    whole = memory_file_snapshot(setting->image);
    MUST(finish(lent_file_new(whole), &was_unfinished));
    cr_expect(was_unfinished);
    MUST(finish(recording_file_new(memory_file_snapshot(setting->image), ret_trace),
                &was_unfinished));
    read_copies(whole, setting->good);
    cr_expect_eq(memcmp(setting->good, old, SUPER_GEOMETRY_SIZE), 0);
    file_close(whole);
}

static void tear_down(struct setting *setting, struct trace *trace)
{
    trace_clear(trace);
    file_close(setting->image);
    judge_free(setting->judge);
}

static void cut(bool is_vhdx)
{
    const struct power_cut_options all = {.random_states = 2, .seed = 1};
    struct trace trace = {0};
    struct setting setting;

    set_up(&setting, is_vhdx, &trace);
    cr_expect_eq(power_cut_walk(&trace, &all, visit, &setting, NULL), 0);
    cr_expect(setting.unfinished > 1 && setting.finished > 0, "%llu unfinished, %llu finished",
              (unsigned long long)setting.unfinished, (unsigned long long)setting.finished);
    tear_down(&setting, &trace);
}

Test(resize_finish, raw_cut_anywhere, .timeout = 300)
{
    cut(false);
}

Test(resize_finish, vhdx_cut_anywhere, .timeout = 300)
{
    cut(true);
}

Test(resize_finish, every_call_fails_once, .timeout = 300)
{
    struct failure failure = {.errno_value = EIO};
    unsigned failures = 0;
    struct trace trace = {0};
    struct setting setting;

    set_up(&setting, false, &trace);
    do {
        struct file *left = memory_file_snapshot(setting.image);
        bool was_unfinished, failed;

        failure.calls = 0, failure.happened = false, failure.call++;
        failed = finish(failing_file_new(lent_file_new(left), &failure), &was_unfinished) != 0;
        cr_expect(!failed || failure.happened, "it failed by itself: %s", error.message);
        failures += failed;
        check_left(&setting, left, error.message);
        file_close(left);
    } while (failure.happened);
    cr_expect_gt(failures, 10);
    tear_down(&setting, &trace);
}

Test(resize_finish, good_copies_stay)
{
    struct file *image = make_image(true), *left = memory_file_snapshot(image);
    bool was_unfinished;

    MUST(finish(lent_file_new(left), &was_unfinished));
    cr_expect_not(was_unfinished);
    cr_expect(memory_file_equal(left, image));
    file_close(left);
    file_close(image);
}

/* As if it had moved since: the low byte of a table's place in a descriptor's copy. */
static void change_place(struct file *image, uint32_t group, size_t field)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(lent_file_new(image), &error);
    uint64_t place = COPIES_START + KIB + group * EXT2_MIN_DESC_SIZE_64BIT + field;
    uint8_t byte;

    cr_assert_not_null(disk, "%s", error.message);
    MUST(disk_read(disk, place, &byte, 1, &error));
    byte++;
    MUST(disk_begin(disk, &error));
    MUST(disk_write(disk, place, &byte, 1, &error));
    MUST(disk_commit(disk, &error));
}

static void expect_renewed(uint32_t group, size_t field)
{
    struct file *image = make_image(true);
    uint8_t good[COPIES_SIZE], copies[COPIES_SIZE];
    bool was_unfinished;

    make_stale(image);
    MUST(finish(lent_file_new(image), &was_unfinished));
    read_copies(image, good);
    change_place(image, group, field);
    MUST(finish(lent_file_new(image), &was_unfinished));
    cr_expect(was_unfinished, "byte %zu of group %u", field, group);
    read_copies(image, copies);
    cr_expect_eq(memcmp(good, copies, COPIES_SIZE), 0);
    file_close(image);
}

Test(resize_finish, descriptors_of_tables_that_have_moved)
{
    for (uint32_t group = 0; group < 3; group++) {
        expect_renewed(group, offsetof(struct ext4_group_desc, bg_block_bitmap));
        expect_renewed(group, offsetof(struct ext4_group_desc, bg_inode_table));
        expect_renewed(group, offsetof(struct ext4_group_desc, bg_inode_table_hi));
    }
}
