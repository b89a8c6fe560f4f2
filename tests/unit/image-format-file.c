/* The checks of file.h that stand before every implementation, and the overlay. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/checked.h"
#include "image-format/file.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"
#include "tests/support/random.h"

static struct error error;

static void fill(struct file *file, uint64_t offset, size_t size, int byte)
{
    uint8_t *bytes = must_allocate(size);

    memset(bytes, byte, size);
    cr_assert_eq(file_write(file, offset, bytes, size, &error), 0, "%s", error.message);
    free(bytes);
}

static int byte_at(struct file *file, uint64_t offset)
{
    uint8_t byte;

    cr_assert_eq(file_read(file, offset, &byte, 1, &error), 0, "%s", error.message);
    return byte;
}

static uint64_t size_of(struct file *file)
{
    uint64_t size;

    cr_assert_eq(file_get_size(file, &size, &error), 0, "%s", error.message);
    return size;
}

Test(file, read_up_to_the_end_and_not_beyond)
{
    struct file *file = memory_file_new(100);
    uint8_t buffer[101];

    cr_assert_eq(file_read(file, 0, buffer, 100, &error), 0);
    cr_assert_eq(file_read(file, 99, buffer, 1, &error), 0);
    cr_assert_eq(file_read(file, 0, buffer, 101, &error), -1);
    cr_assert_eq(error.kind, ERROR_CORRUPT);
    cr_assert_eq(file_read(file, 100, buffer, 1, &error), -1);
    cr_assert_eq(file_read(file, UINT64_MAX, buffer, 2, &error), -1);
    cr_assert_eq(file_read(file, UINT64_MAX - 50, buffer, 100, &error), -1);
    file_close(file);
}

Test(file, nothing_can_be_read_anywhere)
{
    struct file *file = memory_file_new(0);

    cr_assert_eq(file_read(file, UINT64_MAX, NULL, 0, &error), 0);
    cr_assert_eq(file_write(file, 0, NULL, 0, &error), 0);
    cr_assert_eq(size_of(file), 0);
    file_close(file);
}

Test(file, write_extends)
{
    struct file *file = memory_file_new(10);

    fill(file, 1000, 24, 7);
    cr_assert_eq(size_of(file), 1024);
    cr_assert_eq(byte_at(file, 999), 0);
    cr_assert_eq(byte_at(file, 1023), 7);
    file_close(file);
}

Test(file, write_beyond_what_a_file_can_hold)
{
    struct file *file = memory_file_new(10);

    cr_assert_eq(file_write(file, INT64_MAX, "ab", 2, &error), -1);
    cr_assert_eq(file_write(file, UINT64_MAX, "ab", 2, &error), -1);
    cr_assert_eq(size_of(file), 10);
    file_close(file);
}

Test(file, read_only)
{
    struct file *file = memory_file_new(10);

    file->writable = false;
    cr_assert_eq(file_write(file, 0, "a", 1, &error), -1);
    cr_assert_eq(file_set_size(file, 5, &error), -1);
    cr_assert_eq(file_write_zeros(file, 0, 5, &error), -1);
    cr_assert_eq(size_of(file), 10);
    cr_assert_eq(byte_at(file, 0), 0);
    file_close(file);
}

Test(file, zeros_over_several_pieces)
{
    struct file *file = memory_file_new(0);

    fill(file, 0, 4 * MIB, 9);
    cr_assert_eq(file_write_zeros(file, 100, 3 * MIB, &error), 0);
    cr_assert_eq(byte_at(file, 99), 9);
    cr_assert_eq(byte_at(file, 100), 0);
    cr_assert_eq(byte_at(file, 3 * MIB + 99), 0);
    cr_assert_eq(byte_at(file, 3 * MIB + 100), 9);
    cr_assert_eq(size_of(file), 4 * MIB);
    file_close(file);
}

Test(file, copy_over_several_pieces)
{
    struct file *file = memory_file_new(8 * MIB);

    fill(file, 10, 3 * MIB, 5);
    cr_assert_eq(file_copy_range(file, 0, 4 * MIB, 3 * MIB + 20, &error), 0);
    cr_assert_eq(byte_at(file, 4 * MIB + 9), 0);
    cr_assert_eq(byte_at(file, 4 * MIB + 10), 5);
    cr_assert_eq(byte_at(file, 7 * MIB + 9), 5);
    cr_assert_eq(byte_at(file, 7 * MIB + 10), 0);
    cr_assert_eq(file_copy_range(file, 7 * MIB, 0, 2 * MIB, &error), -1);
    file_close(file);
}

Test(file, no_holes_known)
{
    struct file *file = memory_file_new(10 * MIB);
    struct file_operations operations = *file->operations;
    const struct file_operations *original = file->operations;
    uint64_t at;

    cr_assert_eq(file_next_data(file, 5, &at, &error), 0);
    cr_assert_eq(at, 10 * MIB);
    cr_assert_eq(file_next_hole(file, 5, &at, &error), 0);
    cr_assert_eq(at, 5);
    operations.next_data = operations.next_hole = NULL;
    file->operations = &operations;
    cr_assert_eq(file_next_data(file, 5, &at, &error), 0);
    cr_assert_eq(at, 5);
    cr_assert_eq(file_next_hole(file, 5, &at, &error), 0);
    cr_assert_eq(at, 10 * MIB);
    file->operations = original;
    file_close(file);
}

/* Zeros are never written instead. */
Test(file, a_file_that_can_have_no_holes)
{
    struct file *file = memory_file_new(0);
    struct file_operations operations = *file->operations;

    fill(file, 0, 1000, 1);
    cr_assert_eq(file_punch(file, 10, 990, &error), 0);
    cr_assert_eq(byte_at(file, 9), 1);
    cr_assert_eq(byte_at(file, 10), 0);
    cr_assert_eq(file_punch(file, 0, 1001, &error), -1);
    operations.punch = NULL;
    file->operations = &operations;
    cr_assert_eq(file_punch(file, 0, 5, &error), -1);
    cr_assert_eq(error.kind, ERROR_UNSUPPORTED);
    cr_assert_eq(byte_at(file, 0), 1);
    file_close(file);
}

Test(file, close_nothing)
{
    file_close(NULL);
}

/* An overlay over a read-only file of ones. */
static struct file *overlay_on_ones(uint64_t size, struct file **ret_below)
{
    struct file *below = memory_file_new(0);
    struct file *overlay;

    fill(below, 0, (size_t)size, 1);
    below->writable = false;
    overlay = file_overlay_new(below, &error);
    cr_assert_not_null(overlay);
    *ret_below = below;
    return overlay;
}

Test(overlay, leaves_the_file_below_alone)
{
    struct file *below, *before;
    struct file *overlay = overlay_on_ones(100000, &below);

    before = memory_file_snapshot(below);
    fill(overlay, 5000, 10, 2);
    fill(overlay, 150000, 10, 3);
    cr_assert_eq(file_flush(overlay, &error), 0);
    cr_assert_eq(byte_at(overlay, 4999), 1);
    cr_assert_eq(byte_at(overlay, 5000), 2);
    cr_assert_eq(byte_at(overlay, 5010), 1);
    cr_assert_eq(byte_at(overlay, 120000), 0);
    cr_assert_eq(byte_at(overlay, 150009), 3);
    cr_assert_eq(size_of(overlay), 150010);
    cr_assert(memory_file_equal(below, before));
    file_close(before);
    file_close(overlay);
}

Test(overlay, what_was_cut_off_does_not_come_back)
{
    struct file *below;
    struct file *overlay = overlay_on_ones(100000, &below);

    fill(overlay, 90000, 10, 2);
    cr_assert_eq(file_set_size(overlay, 50001, &error), 0);
    cr_assert_eq(size_of(overlay), 50001);
    cr_assert_eq(file_set_size(overlay, 200000, &error), 0);
    cr_assert_eq(byte_at(overlay, 50000), 1);
    cr_assert_eq(byte_at(overlay, 50001), 0);
    cr_assert_eq(byte_at(overlay, 90000), 0);
    fill(overlay, 52000, 1, 4);
    cr_assert_eq(byte_at(overlay, 51999), 0);
    cr_assert_eq(byte_at(overlay, 52001), 0);
    file_close(overlay);
}

Test(overlay, drop_hands_back_the_file_below)
{
    struct file *below;
    struct file *overlay = overlay_on_ones(1000, &below);

    fill(overlay, 0, 1000, 2);
    cr_assert_eq(file_overlay_drop(overlay), below);
    cr_assert_eq(byte_at(below, 500), 1);
    file_close(below);
}

/* Does one random thing to both. */
static void act(struct file *overlay, struct file *model, uint64_t *random)
{
    uint64_t offset = random_below(random, 300000), size = random_below(random, 20000);
    int byte = (int)random_below(random, 256);

    switch (random_below(random, 8)) {
    case 0:
        cr_assert_eq(file_set_size(overlay, offset, &error), 0);
        cr_assert_eq(file_set_size(model, offset, &error), 0);
        break;
    case 1:
        cr_assert_eq(file_write_zeros(overlay, offset, size, &error), 0);
        cr_assert_eq(file_write_zeros(model, offset, size, &error), 0);
        break;
    default:
        fill(overlay, offset, (size_t)size, byte);
        fill(model, offset, (size_t)size, byte);
        break;
    }
}

static void expect_same(struct file *overlay, struct file *model, uint8_t *left, uint8_t *right)
{
    uint64_t size = size_of(model), at, hole;

    cr_assert_eq(size_of(overlay), size);
    cr_assert_eq(file_read(overlay, 0, left, (size_t)size, &error), 0);
    cr_assert_eq(file_read(model, 0, right, (size_t)size, &error), 0);
    cr_assert_eq(memcmp(left, right, (size_t)size), 0);
    for (uint64_t from = 0; from < size; from = at + 4096) { /* a hole, then data */
        cr_assert_eq(file_next_data(overlay, from, &at, &error), 0);
        cr_assert_geq(at, from);
        cr_assert_leq(at, size);
        for (uint64_t i = from; i < at; i++)
            cr_assert_eq(right[i], 0, "data before what next_data says");
        if (at < size) {
            cr_assert_eq(file_next_hole(overlay, at, &hole, &error), 0);
            cr_assert_gt(hole, at, "neither data nor a hole");
            cr_assert_leq(hole, size);
            at = hole - 4096;
        }
    }
}

/* Kept zeros are a hole, and what is kept in a hole is data. */
Test(overlay, knows_the_holes_that_it_makes_and_fills)
{
    /* data, hole, data ... */
    static const uint64_t expected[] = {
        MIB,       MIB + 8192,       MIB + 12288,      MIB + 65536,
        512 * GIB, 512 * GIB + 4096, 768 * GIB + 4096, 768 * GIB + 8192,
        1 * TIB};
    struct file *below = memory_file_new(1 * TIB), *overlay;
    uint64_t at = 0;

    fill(below, MIB, 65536, 1);
    overlay = file_overlay_new(below, &error);
    cr_assert_eq(file_write_zeros(overlay, MIB + 8192, 4096, &error), 0);
    fill(overlay, 512 * GIB, 1, 1);
    fill(overlay, 768 * GIB + 4096, 1, 1);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        cr_assert_eq((i % 2 ? file_next_hole : file_next_data)(overlay, at, &at, &error), 0);
        cr_assert_eq(at, expected[i], "%zu: %llu", i, (unsigned long long)at);
    }
    file_close(overlay);
}

Test(overlay, behaves_as_a_file_whatever_is_done)
{
    uint8_t *left = must_allocate(400000), *right = must_allocate(400000);

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct file *below = memory_file_new(random_below(&(uint64_t){seed}, 200000));
        uint64_t random = seed;
        struct file *model, *overlay;

        fill(below, 1000, 60000, 0x55);
        fill(below, 150000, 777, 0x66);
        model = memory_file_snapshot(below);
        overlay = file_overlay_new(below, &error);
        for (int step = 0; step < 50; step++) {
            act(overlay, model, &random);
            expect_same(overlay, model, left, right);
        }
        file_close(overlay);
        file_close(model);
    }
    free(left);
    free(right);
}
