/* Copies of the superblock that a cut has left stale are written anew by the next run; whatever
 * moment that is cut off itself, and whatever call to the host fails. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "resize/copies.h"
#include "tests/support/failing-file.h"
#include "tests/support/image.h"
#include "tests/support/judge.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/power-cut.h"
#include "tests/support/recording-file.h"

#define FS_SIZE (32 * MIB)
#define COPIES_SIZE (2 * KIB)      /* of one group: superblock and descriptors */
#define ALL_SIZE (2 * COPIES_SIZE) /* of both groups that have them */
#define SUPER_GEOMETRY_SIZE 12     /* of its first bytes: inodes, blocks, reserved ones */

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

static struct error error;

static struct file *make_image(bool is_vhdx)
{
    const char *options = "-b 1024 -O ^resize_inode";

    return is_vhdx ? image_with_ext4(options, FS_SIZE, FS_SIZE)
                   : raw_image_with_ext4(options, FS_SIZE, FS_SIZE);
}

/* Where groups 1 and 3 begin: bytes. */
static const uint64_t starts[2] = {8193 * KIB, (3 * 8192 + 1) * KIB};

static void read_copies(const struct file *image, uint8_t *ret_copies)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(memory_file_snapshot(image), &error);

    cr_assert_not_null(disk, "%s", error.message);
    for (size_t i = 0; i < 2; i++)
        MUST(disk_read(disk, starts[i], ret_copies + i * COPIES_SIZE, COPIES_SIZE, &error));
}

static void write_copies(struct file *image, const uint8_t *copies)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(lent_file_new(image), &error);

    cr_assert_not_null(disk, "%s", error.message);
    MUST(disk_begin(disk, &error));
    for (size_t i = 0; i < 2; i++)
        MUST(disk_write(disk, starts[i], copies + i * COPIES_SIZE, COPIES_SIZE, &error));
    MUST(disk_commit(disk, &error));
}

/* How copies are stale. */
typedef void stale_copies(uint8_t *copies);

static void no_superblocks(uint8_t *copies)
{
    memset(copies, 0, ALL_SIZE);
}

/* Those of superblocks are good. */
static void tables_elsewhere(uint8_t *copies)
{
    for (size_t i = 0; i < 2; i++)
        copies[i * COPIES_SIZE + KIB + offsetof(struct ext4_group_desc, bg_inode_table)]++;
}

static void make_stale(struct file *image, stale_copies *change)
{
    uint8_t copies[ALL_SIZE];

    read_copies(image, copies);
    change(copies);
    write_copies(image, copies);
}

/* Takes ownership of the file. */
static int renew(struct file *file, bool *ret_was_stale)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(file, &error);
    struct ext4 ext4;
    int result;

    *ret_was_stale = false;
    if (!disk || ext4_open_checked(disk, false, &ext4, &error))
        return -1;
    result = resize_copies_are_stale(&ext4, ret_was_stale, &error);
    if (result == 0 && *ret_was_stale)
        result = resize_copies_renew(disk, &ext4, &error);
    ext4_release(&ext4);
    return result;
}

/* Its copies are all as we write them. */
static struct file *make_renewed(bool is_vhdx)
{
    struct file *image = make_image(is_vhdx);
    bool was_stale;

    make_stale(image, no_superblocks);
    MUST(renew(lent_file_new(image), &was_stale));
    cr_assert(was_stale);
    return image;
}

struct setting {
    struct judge *judge;
    struct file *image;     /* its copies are stale */
    uint8_t good[ALL_SIZE]; /* as an undisturbed run leaves them */
    uint64_t stale, good_ones;
};

/* An image in any state: it is whole, and the next run leaves good copies. */
static void check_left(struct setting *setting, struct file *left, const char *what)
{
    struct image_state found;
    const char *wrong = image_examine(setting->judge, left, &found);
    uint8_t copies[ALL_SIZE];
    bool was_stale;

    cr_expect_null(wrong, "%s: %s", what, wrong);
    MUST(renew(lent_file_new(left), &was_stale));
    *(was_stale ? &setting->stale : &setting->good_ones) += 1;
    read_copies(left, copies);
    cr_expect_eq(memcmp(copies, setting->good, ALL_SIZE), 0, "%s: stale copies", what);
}

static int visit(struct file *state, const char *what, void *context)
{
    check_left(context, state, what);
    file_close(state);
    return 0;
}

/* trace: of an undisturbed run. */
static void set_up(struct setting *setting, bool is_vhdx, stale_copies *change,
                   struct trace *ret_trace)
{
    bool was_stale;

    *setting = (struct setting){.judge = judge_new(&error), .image = make_renewed(is_vhdx)};
    cr_assert_not_null(setting->judge, "%s", error.message);
    read_copies(setting->image, setting->good);
    make_stale(setting->image, change);
    MUST(renew(recording_file_new(memory_file_snapshot(setting->image), ret_trace), &was_stale));
    cr_expect(was_stale);
}

static void tear_down(struct setting *setting, struct trace *trace)
{
    trace_clear(trace);
    file_close(setting->image);
    judge_free(setting->judge);
}

static void cut(bool is_vhdx, stale_copies *change)
{
    const struct power_cut_options all = {.random_states = 2, .seed = 1};
    struct trace trace = {0};
    struct setting setting;

    set_up(&setting, is_vhdx, change, &trace);
    cr_expect_eq(power_cut_walk(&trace, &all, visit, &setting, NULL), 0);
    cr_expect(setting.stale > 1 && setting.good_ones > 0, "%llu stale, %llu good",
              (unsigned long long)setting.stale, (unsigned long long)setting.good_ones);
    tear_down(&setting, &trace);
}

Test(resize_copies, raw_cut_anywhere, .timeout = 300)
{
    cut(false, no_superblocks);
}

Test(resize_copies, vhdx_cut_anywhere, .timeout = 300)
{
    cut(true, no_superblocks);
}

Test(resize_copies, raw_cut_anywhere_with_good_superblocks, .timeout = 300)
{
    cut(false, tables_elsewhere);
}

Test(resize_copies, vhdx_cut_anywhere_with_good_superblocks, .timeout = 300)
{
    cut(true, tables_elsewhere);
}

Test(resize_copies, every_call_fails_once, .timeout = 300)
{
    struct failure failure = {.errno_value = EIO};
    unsigned failures = 0;
    struct trace trace = {0};
    struct setting setting;

    set_up(&setting, false, no_superblocks, &trace);
    do {
        struct file *left = memory_file_snapshot(setting.image);
        bool was_stale, failed;

        failure.calls = 0, failure.happened = false, failure.call++;
        failed = renew(failing_file_new(lent_file_new(left), &failure), &was_stale) != 0;
        cr_expect(!failed || failure.happened, "it failed by itself: %s", error.message);
        failures += failed;
        check_left(&setting, left, error.message);
        file_close(left);
    } while (failure.happened);
    cr_expect_gt(failures, 10);
    tear_down(&setting, &trace);
}

Test(resize_copies, what_was_lost_is_as_it_was)
{
    struct file *made = make_image(true), *renewed = make_renewed(true);
    uint8_t old[ALL_SIZE], copies[ALL_SIZE];

    read_copies(made, old);
    read_copies(renewed, copies);
    cr_expect_eq(memcmp(copies, old, SUPER_GEOMETRY_SIZE), 0);
    cr_expect_eq(memcmp(copies + COPIES_SIZE, old + COPIES_SIZE, SUPER_GEOMETRY_SIZE), 0);
    file_close(made);
    file_close(renewed);
}

Test(resize_copies, good_copies_stay)
{
    struct file *image = make_image(true), *left = memory_file_snapshot(image);
    bool was_stale;

    MUST(renew(lent_file_new(left), &was_stale));
    cr_expect_not(was_stale);
    cr_expect(memory_file_equal(left, image));
    file_close(left);
    file_close(image);
}

/* The low byte of a table's place in the first copy of a descriptor is another. */
static void expect_renewed(uint32_t group, size_t field)
{
    struct file *image = make_renewed(true);
    uint8_t good[ALL_SIZE], copies[ALL_SIZE];
    bool was_stale;

    read_copies(image, good);
    memcpy(copies, good, ALL_SIZE);
    copies[KIB + group * EXT2_MIN_DESC_SIZE_64BIT + field]++;
    write_copies(image, copies);
    MUST(renew(lent_file_new(image), &was_stale));
    cr_expect(was_stale, "byte %zu of group %u", field, group);
    read_copies(image, copies);
    cr_expect_eq(memcmp(good, copies, ALL_SIZE), 0);
    file_close(image);
}

Test(resize_copies, descriptors_of_tables_that_have_moved)
{
    for (uint32_t group = 0; group < 4; group++) {
        expect_renewed(group, offsetof(struct ext4_group_desc, bg_block_bitmap));
        expect_renewed(group, offsetof(struct ext4_group_desc, bg_inode_table));
        expect_renewed(group, offsetof(struct ext4_group_desc, bg_inode_table_hi));
    }
}
