/* A power cut within a commit leaves a log that is in use. It is replayed in memory for reading,
 * and on disk before a change; qemu-img finds the same disk. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "image-format/vhdx/format.h"
#include "image-format/vhdx/vhdx.h"
#include "tests/support/host.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"
#include "tests/support/power-cut.h"
#include "tests/support/recording-file.h"

static struct error error;

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

static void write_text(struct disk *disk, uint64_t offset, const char *text)
{
    MUST(disk_write(disk, offset, text, strlen(text), &error));
}

static void expect_text(struct disk *disk, uint64_t offset, const char *text)
{
    char found[64] = "";

    MUST(disk_read(disk, offset, found, strlen(text), &error));
    cr_expect_str_eq(found, text);
}

#define OLD_SIZE (8 * MIB)
#define NEW_SIZE (9 * MIB)
#define LARGE_SIZE (150 * GIB)

static bool is_dirty(struct file *file)
{
    uint8_t bytes[VHDX_HEADER_SIZE];
    struct vhdx_header headers[2];
    int current = 0;

    for (int i = 0; i < 2; i++) {
        MUST(file_read(file, vhdx_header_offsets[i], bytes, sizeof bytes, &error));
        if (!vhdx_header_decode(bytes, &headers[i]))
            return false; /* torn: another state has the same log */
        if (headers[i].sequence > headers[0].sequence)
            current = i;
    }
    return !guid_is_zero(&headers[current].log);
}

/* Takes the state when its log is in use, and goes on until wanted of them were seen. */
struct search {
    struct file *found;
    int wanted;
};

static int look(struct file *state, const char *what, void *context)
{
    struct search *search = context;

    (void)what;
    if (!is_dirty(state)) {
        file_close(state);
        return 0;
    }
    file_close(search->found);
    search->found = state;
    return --search->wanted == 0;
}

/* The old disk, and a commit with a little of everything, in a trace. */
static void record(struct trace *trace, uint64_t new_size)
{
    struct vhdx_create_options options = {OLD_SIZE, MIB, 512, 4096, {{1}}};
    struct file *file = memory_file_new(0);
    struct disk *disk;

    MUST(vhdx_create(file, &options, &error));
    disk = image_open(lent_file_new(file), &error);
    MUST(disk_begin(disk, &error));
    write_text(disk, 0, "old");
    write_text(disk, 4 * MIB, "forgotten");
    write_text(disk, 8 * MIB - 10, "stays");
    MUST(disk_commit(disk, &error));
    disk_close(disk);
    disk = image_open(recording_file_new(file, trace), &error);
    MUST(disk_begin(disk, &error));
    write_text(disk, 0, "new");
    MUST(disk_set_size(disk, new_size, &error));
    MUST(disk_forget(disk, 4 * MIB, MIB, &error));
    MUST(disk_zero(disk, 5 * MIB, MIB, &error));
    write_text(disk, new_size - 10, "end");
    MUST(disk_commit(disk, &error));
    disk_close(disk);
}

static void expect_new(struct disk *disk, uint64_t new_size)
{
    cr_expect_eq(disk->size, new_size);
    expect_text(disk, 0, "new");
    expect_text(disk, 8 * MIB - 10, "stays");
    expect_text(disk, new_size - 10, "end");
}

/* The first state with a log in use in which nothing of what the log says is in place yet. */
static struct file *dirty_image(uint64_t new_size, int number)
{
    const struct power_cut_options options = {.random_states = 4, .seed = 1};
    struct search search = {.wanted = number};
    struct trace trace = {0};

    record(&trace, new_size);
    cr_assert_eq(power_cut_walk(&trace, &options, look, &search, NULL), 1, "no dirty log");
    trace_clear(&trace);
    return search.found;
}

static const char *log_of(struct disk *disk)
{
    static struct disk_description description;

    MUST(disk_describe(disk, &description, &error));
    return description.log;
}

static void read_in_memory(uint64_t new_size, bool writable)
{
    struct file *image = dirty_image(new_size, 1);
    struct file *before = memory_file_snapshot(image);
    struct disk *disk;

    image->writable = writable;
    disk = image_open(lent_file_new(image), &error);
    cr_assert_not_null(disk, "%s", error.message);
    cr_expect_str_eq(log_of(disk), "dirty");
    expect_new(disk, new_size);
    disk_close(disk);
    cr_expect(memory_file_equal(image, before));
    file_close(before);
    file_close(image);
}

Test(vhdx_dirty_log, is_replayed_in_memory_for_reading)
{
    read_in_memory(NEW_SIZE, false);
    read_in_memory(NEW_SIZE, true);
    read_in_memory(LARGE_SIZE, false);
}

Test(vhdx_dirty_log, is_replayed_on_disk_before_a_change)
{
    const uint64_t sizes[] = {NEW_SIZE, LARGE_SIZE};

    for (int i = 0; i < 2; i++) {
        struct file *image = dirty_image(sizes[i], 1);
        struct disk *disk = image_open(lent_file_new(image), &error);

        cr_assert_not_null(disk, "%s", error.message);
        MUST(disk_begin(disk, &error));
        cr_expect_not(is_dirty(image));
        cr_expect_str_eq(log_of(disk), "clean");
        expect_new(disk, sizes[i]);
        disk_abort(disk);
        expect_new(disk, sizes[i]);
        disk_close(disk);
        disk = image_open(lent_file_new(image), &error);
        cr_expect_str_eq(log_of(disk), "clean");
        expect_new(disk, sizes[i]);
        disk_close(disk);
        file_close(image);
    }
}

Test(vhdx_dirty_log, of_a_file_that_was_cut_short_is_refused)
{
    struct file *image = dirty_image(NEW_SIZE, 1);
    uint64_t size;

    MUST(file_get_size(image, &size, &error));
    MUST(file_set_size(image, size - MIB, &error));
    cr_expect_null(image_open(lent_file_new(image), &error));
    cr_expect_eq(error.kind, ERROR_CORRUPT);
    file_close(image);
}

/* Runs qemu-img with the words and a path or two. The test ends where there is no qemu-img. */
static void qemu_img(const char *const words[], int expected)
{
    CLEANUP_FREE char *output = NULL;
    int status;

    if (host_run((const char *[]){"qemu-img", "--version", NULL}, &status, NULL, &error))
        cr_skip_test("no qemu-img");
    cr_assert_eq(host_run(words, &status, &output, &error), 0, "%s", error.message);
    cr_assert_eq(status, expected, "qemu-img %s: %s", words[1], output);
}

static void store(struct file *image, const char *path)
{
    MUST(memory_file_store(image, path, &error));
}

/* qemu-img's raw copy of the image at path is what the disk holds. */
static void compare_copy(const char *path, struct disk *disk)
{
    CLEANUP_FREE char *raw = host_temporary_file(NULL, &error);
    CLEANUP_FREE uint8_t *left = must_allocate(MIB), *right = must_allocate(MIB);
    struct file *copy;
    uint64_t size;

    qemu_img((const char *[]){"qemu-img", "convert", "-f", "vhdx", "-O", "raw", path, raw, NULL},
             0);
    copy = memory_file_load(raw, &error);
    unlink(raw);
    cr_assert_not_null(copy, "%s", error.message);
    MUST(file_get_size(copy, &size, &error));
    cr_expect_eq(size, disk->size);
    for (uint64_t at = 0; at < min_u64(size, NEW_SIZE); at += MIB) {
        MUST(file_read(copy, at, left, MIB, &error));
        MUST(disk_read(disk, at, right, MIB, &error));
        cr_expect_eq(memcmp(left, right, MIB), 0, "MiB %llu", (unsigned long long)(at / MIB));
    }
    MUST(file_read(copy, size - 10, left, 3, &error));
    cr_expect_eq(memcmp(left, "end", 3), 0);
    file_close(copy);
}

static void repair_with_qemu(uint64_t new_size, int number)
{
    CLEANUP_FREE char *path = host_temporary_file(NULL, &error);
    struct file *image = dirty_image(new_size, number);
    struct disk *disk = image_open(lent_file_new(image), &error);

    cr_assert_not_null(disk, "%s", error.message);
    expect_new(disk, new_size);
    store(image, path);
    qemu_img((const char *[]){"qemu-img", "check", "-q", "-r", "all", path, NULL}, 0);
    compare_copy(path, disk);
    disk_close(disk);
    file_close(image);
    unlink(path);
}

/* The log as qemu-img replays it. States of different cuts: nothing in place yet, some, all. */
Test(vhdx_dirty_log, qemu_replays_it_to_the_same_disk, .timeout = 100)
{
    repair_with_qemu(NEW_SIZE, 1);
    repair_with_qemu(NEW_SIZE, 4);
    repair_with_qemu(NEW_SIZE, 9);
    repair_with_qemu(LARGE_SIZE, 9);
}

/* An image that was grown, changed and reclaimed. */
static void check_with_qemu(uint64_t new_size)
{
    CLEANUP_FREE char *path = host_temporary_file(NULL, &error);
    struct trace trace = {0};
    struct file *image;
    struct disk *disk;

    record(&trace, new_size);
    image = memory_file_snapshot(trace.start);
    trace_clear(&trace);
    disk = image_open(lent_file_new(image), &error);
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, new_size, &error));
    write_text(disk, new_size - 10, "end");
    write_text(disk, 3 * MIB, "more");
    MUST(disk_commit(disk, &error));
    MUST(disk_begin(disk, &error));
    MUST(disk_forget(disk, 4 * MIB, MIB, &error));
    MUST(disk_zero(disk, 0, MIB, &error));
    MUST(disk_commit(disk, &error));
    MUST(disk_reclaim(disk, &error));
    store(image, path);
    qemu_img((const char *[]){"qemu-img", "check", "-q", path, NULL}, 0);
    if (new_size == NEW_SIZE) /* the other one takes qemu-img 5 seconds */
        compare_copy(path, disk);
    disk_close(disk);
    file_close(image);
    unlink(path);
}

Test(vhdx_dirty_log, qemu_finds_nothing_wrong_afterwards, .timeout = 100)
{
    check_with_qemu(NEW_SIZE);
    check_with_qemu(LARGE_SIZE);
}
