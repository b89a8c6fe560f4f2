/* A commit whose log entry is longer than the log, cut off anywhere: the old disk or the new one,
 * and one that can be changed. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/checked.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "image-format/vhdx/vhdx.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/power-cut.h"
#include "tests/support/recording-file.h"

#define COUNT 300 /* sectors of the BAT that change; 1 MiB of log holds 253 */
#define APART (512 * MIB)

static const struct vhdx_create_options options = {COUNT * APART, MIB, 512, 4096, {{1}}};
static struct error error;

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

/* The first byte of a block in each of the sectors, in one commit. */
static void write_all(struct disk *disk)
{
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < COUNT; i++)
        MUST(disk_write(disk, i * APART, "x", 1, &error));
    MUST(disk_commit(disk, &error));
}

struct tally {
    uint64_t old, new;
};

static uint64_t count_written(struct disk *disk)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < COUNT; i++) {
        uint8_t byte;

        MUST(disk_read(disk, i * APART, &byte, 1, &error));
        cr_assert(byte == 0 || byte == 'x');
        count += byte == 'x';
    }
    return count;
}

static int look(struct file *state, const char *what, void *context)
{
    struct tally *tally = context;
    struct disk *disk = image_open(state, &error);
    uint64_t count;

    cr_assert_not_null(disk, "%s: %s", what, error.message);
    count = count_written(disk);
    cr_assert(count == 0 || count == COUNT, "%s: %llu written", what, (unsigned long long)count);
    tally->old += count == 0;
    tally->new += count == COUNT;
    cr_assert_eq(disk_begin(disk, &error), 0, "%s: %s", what, error.message);
    MUST(disk_write(disk, MIB, "y", 1, &error));
    MUST(disk_commit(disk, &error));
    cr_assert_eq(count_written(disk), count);
    disk_close(disk);
    return 0;
}

Test(vhdx_large_log, a_power_cut_leaves_the_old_or_the_new_disk, .timeout = 100)
{
    const struct power_cut_options cuts = {
        .random_states = 3, .state_limit = 3, .cut_limit = 100, .seed = 1};
    struct file *file = memory_file_new(0);
    struct trace trace = {0};
    struct tally tally = {0};
    struct disk *disk;

    MUST(vhdx_create(file, &options, &error));
    disk = image_open(recording_file_new(file, &trace), &error);
    write_all(disk);
    MUST(disk_reclaim(disk, &error));
    disk_close(disk);
    cr_expect_eq(power_cut_walk(&trace, &cuts, look, &tally, NULL), 0);
    cr_expect_gt(tally.old, 50);
    cr_expect_gt(tally.new, 50);
    trace_clear(&trace);
}

/* Likewise; the new one has a block. */
static int look_at_size(struct file *state, const char *what, void *context)
{
    struct tally *tally = context;
    struct disk *disk = image_open(state, &error);
    bool is_new;

    cr_assert_not_null(disk, "%s: %s", what, error.message);
    is_new = disk->size == MIB;
    if (!is_new)
        cr_assert(disk->size == COUNT * APART && count_written(disk) == COUNT, "%s", what);
    tally->old += !is_new;
    tally->new += is_new;
    cr_assert_eq(disk_begin(disk, &error), 0, "%s: %s", what, error.message);
    MUST(disk_set_size(disk, COUNT * APART, &error));
    MUST(disk_commit(disk, &error));
    cr_assert_eq(count_written(disk), is_new ? 1 : COUNT, "%s", what);
    disk_close(disk);
    return 0;
}

Test(vhdx_large_log, a_power_cut_leaves_the_larger_or_the_smaller_disk, .timeout = 100)
{
    const struct power_cut_options cuts = {
        .random_states = 3, .state_limit = 3, .cut_limit = 100, .seed = 1};
    struct file *file = memory_file_new(0);
    struct trace trace = {0};
    struct tally tally = {0};
    struct disk *disk;

    MUST(vhdx_create(file, &options, &error));
    disk = image_open(lent_file_new(file), &error);
    write_all(disk);
    disk_close(disk);
    disk = image_open(recording_file_new(file, &trace), &error);
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, MIB, &error));
    MUST(disk_commit(disk, &error));
    MUST(disk_reclaim(disk, &error));
    disk_close(disk);
    cr_expect_eq(power_cut_walk(&trace, &cuts, look_at_size, &tally, NULL), 0);
    cr_expect_gt(tally.old, 10);
    cr_expect_gt(tally.new, 50);
    trace_clear(&trace);
}
