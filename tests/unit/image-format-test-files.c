/* The files that tests stand on are tested, too: in memory, recording, failing. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "image-format/file.h"
#include "tests/support/failing-file.h"
#include "tests/support/host.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"
#include "tests/support/random.h"
#include "tests/support/recording-file.h"

static struct error error;

static void put(struct file *file, uint64_t offset, const char *text)
{
    cr_assert_eq(file_write(file, offset, text, strlen(text), &error), 0, "%s", error.message);
}

static bool holds(struct file *file, uint64_t offset, const char *text)
{
    char buffer[64] = {0};

    cr_assert_eq(file_read(file, offset, buffer, strlen(text), &error), 0, "%s", error.message);
    return strcmp(buffer, text) == 0;
}

Test(memory_file, is_cheap_where_it_is_empty)
{
    struct file *file = memory_file_new(1 * TIB);
    uint64_t at;

    cr_assert_eq(file_write_zeros(file, 5 * GIB, 8 * MIB, &error), 0);
    cr_assert_eq(memory_file_stored_size(file), 0);
    put(file, 700 * GIB + 5, "here");
    put(file, 20 * GIB, "and here");
    cr_assert_eq(memory_file_stored_size(file), 2 * MEMORY_FILE_PAGE_SIZE);
    cr_assert_eq(file_next_data(file, 0, &at, &error), 0);
    cr_assert_eq(at, 20 * GIB);
    cr_assert_eq(file_next_data(file, 20 * GIB + MIB, &at, &error), 0);
    cr_assert_eq(at, 700 * GIB);
    cr_assert_eq(file_next_data(file, 800 * GIB, &at, &error), 0);
    cr_assert_eq(at, 1 * TIB);
    file_close(file);
}

Test(memory_file, snapshot_is_a_file_of_its_own)
{
    struct file *file = memory_file_new(10 * MIB);
    struct file *snapshot;

    put(file, 100, "old");
    snapshot = memory_file_snapshot(file);
    cr_assert(memory_file_equal(file, snapshot));
    put(file, 100, "new");
    put(snapshot, 5 * MIB, "more");
    cr_assert(!memory_file_equal(file, snapshot));
    cr_assert_eq(memory_file_difference(file, snapshot), 100);
    cr_assert(holds(snapshot, 100, "old"));
    cr_assert_eq(file_set_size(file, 101, &error), 0);
    file_close(file);
    cr_assert(holds(snapshot, 100, "old"));
    cr_assert(holds(snapshot, 5 * MIB, "more"));
    file_close(snapshot);
}

Test(memory_file, zeros_and_absent_pages_are_equal)
{
    struct file *a = memory_file_new(MIB), *b = memory_file_new(MIB);

    put(a, 200000, "x");
    cr_assert_eq(memory_file_difference(a, b), 200000);
    cr_assert_eq(file_write_zeros(a, 200000, 1, &error), 0);
    cr_assert(memory_file_equal(a, b));
    cr_assert_eq(file_set_size(b, MIB + 1, &error), 0);
    cr_assert(!memory_file_equal(a, b));
    file_close(a);
    file_close(b);
}

Test(memory_file, what_was_cut_off_does_not_come_back)
{
    struct file *file = memory_file_new(0);

    put(file, 70000, "abcdef");
    cr_assert_eq(file_set_size(file, 70003, &error), 0);
    cr_assert_eq(file_set_size(file, 200000, &error), 0);
    cr_assert(holds(file, 70000, "abc"));
    cr_assert(holds(file, 70003, ""));
    put(file, 70010, "z");
    cr_assert_eq(file_set_size(file, 65536, &error), 0);
    cr_assert_eq(memory_file_stored_size(file), 0);
    file_close(file);
}

Test(memory_file, goes_to_the_host_and_back)
{
    char *path = host_temporary_file(NULL, &error);
    struct file *file = memory_file_new(3 * GIB + 17);
    struct file *back;

    cr_assert_not_null(path, "%s", error.message);
    put(file, 12345, "one");
    put(file, 2 * GIB - 1, "two");
    put(file, 3 * GIB + 14, "end");
    cr_assert_eq(memory_file_store(file, path, &error), 0, "%s", error.message);
    back = memory_file_load(path, &error);
    cr_assert_not_null(back, "%s", error.message);
    cr_assert(memory_file_equal(file, back));
    cr_assert_leq(memory_file_stored_size(back), 8 * MEMORY_FILE_PAGE_SIZE);
    file_close(file);
    file_close(back);
    unlink(path);
    free(path);
}

Test(memory_file, behaves_as_an_array_whatever_is_done)
{
    uint8_t *array = must_allocate(500000), *read = must_allocate(500000);
    struct file *file = memory_file_new(0), *old = memory_file_snapshot(file);
    uint64_t random = 42, size = 0;

    for (int step = 0; step < 2000; step++) {
        uint64_t offset = random_below(&random, 400000), count = random_below(&random, 90000);

        if (random_below(&random, 5) == 0) {
            cr_assert_eq(file_set_size(file, offset, &error), 0);
            memset(array + offset, 0, 500000 - offset);
            size = offset;
        } else {
            memset(array + offset, (int)random_below(&random, 3), count);
            cr_assert_eq(file_write(file, offset, array + offset, (size_t)count, &error), 0);
            size = count ? max_u64(size, offset + count) : size;
        }
        cr_assert_eq(file_read(file, 0, read, (size_t)size, &error), 0);
        cr_assert_eq(memcmp(read, array, (size_t)size), 0);
        if (step % 50 == 0) {
            file_close(old);
            old = memory_file_snapshot(file);
        }
    }
    file_close(file);
    file_close(old);
    free(array);
    free(read);
}

Test(recording_file, keeps_what_was_done)
{
    struct file *below = memory_file_new(4096);
    struct trace trace = {0};
    struct file *file;
    char buffer[8];

    put(below, 0, "start");
    file = recording_file_new(below, &trace);
    put(file, 10, "abc");
    put(file, 4095, "de");
    cr_assert_eq(file_read(file, 0, buffer, 8, &error), 0);
    cr_assert_eq(file_flush(file, &error), 0);
    cr_assert_eq(file_set_size(file, 100, &error), 0);
    cr_assert_eq(trace.count, 4);
    cr_assert_eq(trace.operations[0].kind, OPERATION_WRITE);
    cr_assert_eq(trace.operations[0].offset, 10);
    cr_assert_eq(trace.operations[0].size, 3);
    cr_assert(!trace.operations[0].extends);
    cr_assert_eq(memcmp(trace.operations[0].bytes, "abc", 3), 0);
    cr_assert(trace.operations[1].extends);
    cr_assert_eq(trace.operations[2].kind, OPERATION_FLUSH);
    cr_assert_eq(trace.operations[3].kind, OPERATION_SET_SIZE);
    cr_assert_eq(trace.operations[3].size, 100);
    cr_assert(holds(trace.start, 0, "start"));
    cr_assert(!holds(trace.start, 10, "abc"));
    file_close(file);
    trace_clear(&trace);
}

/* Five calls, three of which change the file. */
static int five_calls(struct file *file)
{
    char buffer[4];
    uint64_t size;

    if (file_get_size(file, &size, &error) || file_write(file, 0, "abcd", 4, &error) ||
        file_set_size(file, 100, &error) || file->operations->read(file, 0, buffer, 4, &error) ||
        file_flush(file, &error))
        return -1;
    return 0;
}

Test(failing_file, fails_at_each_call_once)
{
    for (int changes_only = 0; changes_only < 2; changes_only++) {
        struct failure failure = {.errno_value = EIO, .changes_only = changes_only};
        uint64_t runs = 0;

        do {
            struct file *file = failing_file_new(memory_file_new(0), &failure);

            failure.calls = 0;
            failure.happened = false;
            failure.call = ++runs;
            cr_assert_eq(five_calls(file), failure.happened ? -1 : 0);
            file_close(file);
        } while (failure.happened);
        cr_assert_eq(runs, changes_only ? 4 : 6);
        cr_assert_eq(error.kind, ERROR_SYSTEM);
    }
}

Test(failing_file, once_or_for_good)
{
    struct failure failure = {.call = 2, .errno_value = ENOSPC};
    struct file *file = failing_file_new(memory_file_new(0), &failure);

    cr_assert_eq(file_flush(file, &error), 0);
    cr_assert_eq(file_flush(file, &error), -1);
    cr_assert_eq(error.kind, ERROR_NO_SPACE);
    cr_assert_eq(file_flush(file, &error), 0);
    failure.for_good = true;
    cr_assert_eq(file_flush(file, &error), -1);
    file_close(file);
}

Test(failing_file, half_a_write)
{
    struct failure failure = {.call = 1, .errno_value = EIO, .half_a_write = true};
    struct file *below = memory_file_new(8);
    struct file *file = failing_file_new(below, &failure);

    cr_assert_eq(file_write(file, 0, "abcdefgh", 8, &error), -1);
    cr_assert(holds(below, 0, "abcd"));
    cr_assert(!holds(below, 0, "abcde"));
    file_close(file);
}

Test(memory_file, side_files_go_along_with_snapshots)
{
    struct file *file = memory_file_new(100), *side, *snapshot;

    cr_assert_eq(file_open_side(file, true, &side, &error), 0);
    put(side, 0, "old");
    snapshot = memory_file_snapshot(file);
    cr_assert(memory_file_equal(file, snapshot));
    put(side, 0, "new");
    cr_assert(!memory_file_equal(file, snapshot));
    cr_assert(holds(memory_file_side(snapshot), 0, "old"));
    file_close(side);
    cr_assert_eq(file_remove_side(file, &error), 0);
    cr_assert(!memory_file_equal(file, snapshot));
    cr_assert_eq(file_remove_side(file, &error), -1);
    file_close(snapshot);
    file_close(file);
}

Test(memory_file, zeroing_gives_whole_pages_up)
{
    struct file *file = memory_file_new(0);

    for (uint64_t i = 0; i < 10; i++)
        put(file, i * MEMORY_FILE_PAGE_SIZE + 100, "text");
    cr_assert_eq(file_zero(file, 102, 5 * MEMORY_FILE_PAGE_SIZE, &error), 0);
    cr_assert_eq(memory_file_stored_size(file), 6 * MEMORY_FILE_PAGE_SIZE);
    cr_assert(holds(file, 100, "te"));
    cr_assert(!holds(file, 100, "tex"));
    cr_assert(!holds(file, 5 * MEMORY_FILE_PAGE_SIZE + 100, "t"));
    cr_assert(holds(file, 5 * MEMORY_FILE_PAGE_SIZE + 102, "xt"));
    cr_assert(holds(file, 6 * MEMORY_FILE_PAGE_SIZE + 100, "text"));
    file_close(file);
}
