/* Where a file of the host has holes and where data: what is remembered of it is true, and spares
 * the system the walks. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/checked.h"
#include "image-format/file-posix.h"
#include "image-format/file.h"
#include "tests/support/random.h"

static struct error error;
static char path[64];

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

static void set_up(void)
{
    int descriptor;

    snprintf(path, sizeof path, "%s/vhdtool-holes-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
}

static void tear_down(void)
{
    unlink(path);
}

TestSuite(file_posix_holes, .init = set_up, .fini = tear_down, .timeout = 100);

static struct file *open_locked(uint64_t size)
{
    struct file *file = file_posix_open(path, true, &error);

    cr_assert_not_null(file, "%s", error.message);
    MUST(file_lock(file, &error));
    MUST(file_set_size(file, size, &error));
    return file;
}

static void check(struct file *file, uint64_t offset, uint64_t size)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    off_t hole = lseek(descriptor, (off_t)offset, SEEK_HOLE);
    off_t data = lseek(descriptor, (off_t)offset, SEEK_DATA);
    uint64_t found;

    close(descriptor);
    MUST(file_next_hole(file, offset, &found, &error));
    cr_assert_eq(found, (uint64_t)hole);
    MUST(file_next_data(file, offset, &found, &error));
    cr_assert_eq(found, data < 0 ? size : (uint64_t)data);
    MUST(file_next_hole(file, offset, &found, &error));
    cr_assert_eq(found, (uint64_t)hole, "the second time");
}

static void change(struct file *file, uint64_t *random, uint64_t *size)
{
    static const uint8_t bytes[100000] = {1};
    uint64_t offset = random_below(random, *size);
    uint64_t count = min_u64(random_below(random, sizeof bytes) + 1, *size - offset);

    switch (random_below(random, 8)) {
    case 0:
        MUST(file_zero(file, offset, count, &error));
        break;
    case 1:
    case 2:
        MUST(file_punch(file, offset, count, &error));
        break;
    case 3:
        *size = random_below(random, MIB) + MIB;
        MUST(file_set_size(file, *size, &error));
        break;
    default:
        MUST(file_write(file, offset, bytes, (size_t)count, &error));
    }
}

Test(file_posix_holes, what_is_remembered_is_true)
{
    uint64_t size = 2 * MIB, random = 7;
    struct file *file = open_locked(size);

    for (unsigned i = 0; i < 20000; i++) {
        change(file, &random, &size);
        for (unsigned looks = (unsigned)random_below(&random, 3); looks > 0; looks--)
            check(file, random_below(&random, size), size);
    }
    file_close(file);
}

static double seconds_of_looks(struct file *file, uint64_t from, unsigned count)
{
    struct timespec start, end;
    uint64_t found;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (unsigned i = 0; i < count; i++) {
        MUST(file_punch(file, from + i * 4096, 1, &error)); /* no whole page: it stays data */
        MUST(file_next_hole(file, from + i * 4096 + 1, &found, &error));
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
}

Test(file_posix_holes, dense_data_are_walked_over_once)
{
    static uint8_t bytes[MIB];
    struct file *file = open_locked(128 * MIB);
    double once, often;

    memset(bytes, 1, sizeof bytes);
    for (uint64_t offset = 0; offset < 128 * MIB; offset += MIB)
        MUST(file_write(file, offset, bytes, sizeof bytes, &error));
    once = seconds_of_looks(file, 0, 1);
    often = seconds_of_looks(file, 4096, 1000);
    file_close(file);
    if (once > 1e-4) /* else the system knows it without a walk */
        cr_assert_lt(often, 100 * once, "%f seconds, once %f", often, once);
}
