/* A journal is applied only to the image that it was made for. Whatever else stands beside an
 * image is refused, and nothing is written; nothing makes the program stumble. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/checked.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "image-format/journal/format.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"
#include "tests/support/random.h"
#include "tests/support/recording-file.h"

#define SIZE (40 * KIB)
#define NEW_SIZE (60 * KIB)

static struct error error;

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

static struct file *make_image(void)
{
    struct file *image = memory_file_new(SIZE);
    uint8_t bytes[SIZE];
    uint64_t random = 7;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random_next(&random);
    MUST(file_write(image, 0, bytes, sizeof bytes, &error));
    return image;
}

static void change(struct disk *disk)
{
    uint8_t bytes[10000];

    memset(bytes, 'n', sizeof bytes);
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, NEW_SIZE, &error));
    MUST(disk_write(disk, 3000, bytes, 3000, &error));
    MUST(disk_zero(disk, 8192, 4096, &error));
    MUST(disk_write_unreferenced(disk, 20000, bytes, sizeof bytes, &error));
    MUST(disk_zero_unreferenced(disk, 50000, 5000, &error));
    MUST(disk_write(disk, 45056, bytes, 512, &error));
    MUST(disk_commit(disk, &error));
}

/* Does the first operations of a trace to its start. */
static struct file *replay(const struct trace *trace, size_t count)
{
    struct file *image = memory_file_snapshot(trace->start);

    for (size_t i = 0; i < count; i++) {
        const struct operation *operation = &trace->operations[i];
        struct file *target = operation->is_side ? memory_file_side(image) : image;
        struct file *side = NULL;

        if (operation->kind == OPERATION_CREATE_SIDE)
            MUST(file_open_side(image, true, &side, &error));
        else if (operation->kind == OPERATION_SET_SIZE)
            MUST(file_set_size(target, operation->size, &error));
        else if (operation->kind == OPERATION_WRITE && operation->bytes)
            MUST(file_write(target, operation->offset, operation->bytes, (size_t)operation->size,
                            &error));
        else if (operation->kind == OPERATION_WRITE)
            MUST(file_zero(target, operation->offset, operation->size, &error));
        file_close(side);
    }
    return image;
}

/* What a power cut leaves right after the mark; *ret_old is the image before, if wanted, and
 * *ret_new the one that was to come. */
static struct file *make_pending(struct file **ret_old, struct file **ret_new)
{
    struct trace trace = {0};
    struct file *file = recording_file_new(make_image(), &trace);
    struct disk *disk = image_open(file, &error);
    struct file *pending;
    size_t marked = 0;

    cr_assert_not_null(disk, "%s", error.message);
    change(disk);
    disk_close(disk);
    for (size_t i = 0; i < trace.count; i++)
        if (trace.operations[i].is_side && trace.operations[i].offset == 0 &&
            trace.operations[i].size == JOURNAL_HEADER_SIZE)
            marked = i + 1;
    cr_assert_neq(marked, 0);
    pending = replay(&trace, marked);
    if (ret_old)
        *ret_old = memory_file_snapshot(trace.start);
    if (ret_new) {
        *ret_new = replay(&trace, trace.count - 1);
        MUST(file_remove_side(*ret_new, &error));
    }
    trace_clear(&trace);
    return pending;
}

/* Opening is refused, names the journal and the remedy, and changes nothing. */
static void expect_refused(struct file *image, const char *what)
{
    struct file *before = memory_file_snapshot(image);
    struct disk *disk = image_open(lent_file_new(image), &error);

    cr_assert_null(disk, "%s: opened", what);
    cr_expect(error.kind == ERROR_REFUSED || error.kind == ERROR_UNSUPPORTED, "%s: %s", what,
              error.message);
    cr_expect_not_null(strstr(error.message, "journal"), "%s: %s", what, error.message);
    if (error.kind == ERROR_REFUSED)
        cr_expect_not_null(strstr(error.remedy, "remove it"));
    cr_expect(memory_file_equal(image, before), "%s: written to", what);
    file_close(before);
}

/* Opens, and is as new; also when it was changed. */
static void expect_new(struct file *image, const struct file *new, const char *what)
{
    struct disk *disk = image_open(lent_file_new(image), &error);
    uint8_t found[NEW_SIZE], expected[NEW_SIZE];
    struct disk_description description;
    struct file *copy = memory_file_snapshot(new);

    cr_assert_not_null(disk, "%s: %s", what, error.message);
    cr_assert_eq(disk->size, NEW_SIZE, "%s", what);
    MUST(disk_describe(disk, &description, &error));
    cr_expect_str_eq(description.log, "dirty", "%s", what);
    MUST(file_read(copy, 0, expected, NEW_SIZE, &error));
    MUST(disk_read(disk, 0, found, NEW_SIZE, &error));
    cr_expect_arr_eq(found, expected, NEW_SIZE, "%s", what);
    MUST(disk_begin(disk, &error));
    disk_close(disk);
    cr_expect(memory_file_equal(image, new), "%s: recovered as something else", what);
    file_close(copy);
}

Test(raw_hostile, the_right_journal_is_applied)
{
    struct file *new, *image = make_pending(NULL, &new);

    expect_new(image, new, "as it was left");
    file_close(image);
    file_close(new);
}

static void flip(struct file *file, uint64_t offset, int bit)
{
    uint8_t byte;

    MUST(file_read(file, offset, &byte, 1, &error));
    byte ^= (uint8_t)(1 << bit);
    MUST(file_write(file, offset, &byte, 1, &error));
}

/* Whatever single bit of the side file flips: it is refused, or it is a bit that says nothing. */
Test(raw_hostile, no_flipped_bit_is_believed, .timeout = 60)
{
    struct file *new, *start = make_pending(NULL, &new);
    uint64_t size, refused = 0;

    MUST(file_get_size(memory_file_side(start), &size, &error));
    for (uint64_t at = 0; at < size; at += at < 600 || at > size - 600 ? 1 : 97) {
        struct file *image = memory_file_snapshot(start);
        bool counts = at < JOURNAL_HEADER_SIZE || at >= JOURNAL_SLOTS_PLACE;

        flip(memory_file_side(image), at, (int)(at % 8));
        if (counts)
            expect_refused(image, "a flipped bit");
        else
            expect_new(image, new, "a flipped bit between header and slots");
        refused += counts;
        file_close(image);
    }
    cr_expect_gt(refused, 1000);
    file_close(start);
    file_close(new);
}

Test(raw_hostile, a_journal_that_was_cut_off)
{
    struct file *start = make_pending(NULL, NULL);
    uint64_t size;

    MUST(file_get_size(memory_file_side(start), &size, &error));
    for (uint64_t left = 512; left < size; left += 509) {
        struct file *image = memory_file_snapshot(start);

        MUST(file_set_size(memory_file_side(image), left, &error));
        expect_refused(image, "cut off");
        file_close(image);
    }
    file_close(start);
}

/* The image was put back from a backup: all that is staged is as it was, but what was written
 * through is not there. */
Test(raw_hostile, an_image_from_a_backup)
{
    struct file *old, *image = make_pending(&old, NULL), *side;
    uint8_t bytes[SIZE];

    MUST(file_read(old, 0, bytes, SIZE, &error));
    MUST(file_write(image, 0, bytes, SIZE, &error));
    expect_refused(image, "the old bytes, the new size");
    MUST(file_set_size(image, SIZE, &error));
    expect_refused(image, "the old image");
    MUST(file_open_side(image, false, &side, &error));
    cr_expect_not_null(side);
    file_close(side);
    file_close(old);
    file_close(image);
}

/* Changed by another program in any sector that the journal knows. */
Test(raw_hostile, an_image_that_went_on)
{
    static const uint64_t places[] = {3000,  511,   5999,  8191,  8192,  12287,
                                      20000, 25000, 29999, 45056, 50000, 54999};
    struct file *start = make_pending(NULL, NULL);

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct file *image = memory_file_snapshot(start);

        flip(image, places[i], 3);
        expect_refused(image, "changed since");
        file_close(image);
    }
    file_close(start);
}

Test(raw_hostile, an_image_of_another_size)
{
    static const uint64_t sizes[] = {512, SIZE, NEW_SIZE - 512, NEW_SIZE + 512, 10 * MIB};
    struct file *start = make_pending(NULL, NULL);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct file *image = memory_file_snapshot(start);

        MUST(file_set_size(image, sizes[i], &error));
        expect_refused(image, "another size");
        file_close(image);
    }
    file_close(start);
}

/* Whose own journal is there, to which nothing was committed. */
Test(raw_hostile, what_is_not_marked_is_ignored)
{
    struct file *image = make_image(), *before, *side;
    struct disk_description description;
    uint8_t noise[9000];
    struct disk *disk;

    memset(noise, 0xa5, sizeof noise);
    MUST(file_open_side(image, true, &side, &error));
    MUST(file_write(side, 4096, noise, sizeof noise, &error));
    file_close(side);
    before = memory_file_snapshot(image);
    disk = image_open(lent_file_new(image), &error);
    cr_assert_not_null(disk, "%s", error.message);
    MUST(disk_describe(disk, &description, &error));
    cr_expect_str_eq(description.log, "clean");
    cr_expect(memory_file_equal(image, before), "looking writes");
    change(disk);
    disk_close(disk);
    cr_expect_null(memory_file_side(image));
    file_close(before);
    file_close(image);
}

/* Headers and indexes with right checksums and any numbers in them. */
Test(raw_hostile, numbers_from_hell, .timeout = 60)
{
    static const uint64_t numbers[] = {
        0,         1, 4095, 4096, 8192, SIZE, NEW_SIZE, UINT32_MAX, INT64_MAX, UINT64_MAX - 4095,
        UINT64_MAX};
    struct file *start = make_pending(NULL, NULL);
    uint64_t random = 3;

    for (int round = 0; round < 3000; round++) {
        struct file *image = memory_file_snapshot(start);
        struct file *before;
        uint8_t bytes[JOURNAL_HEADER_SIZE];
        enum journal_header_state state;
        struct journal_header header;
        struct disk *disk;
        uint64_t *fields[] = {&header.old_size, &header.new_size, &header.page_count,
                              &header.run_count, &header.index_place};

        MUST(file_read(memory_file_side(image), 0, bytes, sizeof bytes, &error));
        MUST(journal_header_decode(bytes, UINT64_MAX / 2, &state, &header, &error));
        for (uint64_t i = 1 + random_below(&random, 3); i > 0; i--)
            *fields[random_below(&random, 5)] = numbers[random_below(&random, 11)];
        header.index_checksum = random_below(&random, 2) ? header.index_checksum : 0;
        journal_header_encode(&header, bytes);
        MUST(file_write(memory_file_side(image), 0, bytes, sizeof bytes, &error));
        before = memory_file_snapshot(image);
        disk = image_open(lent_file_new(image), &error);
        cr_expect(memory_file_equal(image, before));
        disk_close(disk);
        file_close(before);
        file_close(image);
    }
    file_close(start);
}
