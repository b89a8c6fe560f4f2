/* Whatever call to the host fails in a transaction on a raw image, or while a pending journal is
 * applied: the file holds the old disk or the new one, whole, the disk says which where it is
 * certain, and it takes no further change after a commit that failed (D5). */
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
#include "tests/support/must.h"

#define OLD_SIZE (6 * MIB)

static struct error error;

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

/* Each MiB of it begins with a letter. */
static struct file *make_image(void)
{
    struct file *image = memory_file_new(OLD_SIZE);

    for (uint64_t i = 0; i < 4; i++)
        MUST(file_write(image, i * MIB, "o", 1, &error));
    return image;
}

/* More pages than are kept in memory, from 2.5 MiB on. */
static int change_many(struct disk *disk)
{
    uint8_t *bytes = must_allocate(MIB + 5000);
    int result;

    memset(bytes, 'm', MIB + 5000);
    result = disk_write(disk, 2 * MIB + 512 * KIB + 7, bytes, MIB + 5000, &error);
    free(bytes);
    return result;
}

static int change(struct disk *disk, uint64_t new_size)
{
    return disk_begin(disk, &error) || disk_write(disk, 0, "n", 1, &error) || change_many(disk) ||
           disk_write_unreferenced(disk, 4 * MIB, "u", 1, &error) ||
           disk_zero_unreferenced(disk, 4 * MIB + 10000, 100000, &error) ||
           disk_set_size(disk, new_size, &error) || disk_zero(disk, MIB, MIB, &error) ||
           disk_write(disk, 2 * MIB, "n", 1, &error) ||
           disk_write(disk, new_size - 1, "n", 1, &error) || disk_commit(disk, &error);
}

/* The letters of the first four MiB, and one of the many. */
static bool holds(struct disk *disk, const char *expected)
{
    static const uint64_t places[] = {0, MIB, 2 * MIB, 3 * MIB, 3 * MIB - 5};

    for (size_t i = 0; i < 5; i++) {
        char byte;

        MUST(disk_read(disk, places[i], &byte, 1, &error));
        if (byte != (expected[i] == '-' ? 0 : expected[i]))
            return false;
    }
    return true;
}

static bool holds_new(struct disk *disk, uint64_t new_size)
{
    char last;

    if (disk->size != new_size)
        return false;
    MUST(disk_read(disk, new_size - 1, &last, 1, &error));
    return last == 'n' && holds(disk, "n-nmm");
}

/* Which of the two disks is in the file; both can be changed. The old one may be longer. */
static bool is_new(struct file *image, uint64_t new_size, unsigned long long call)
{
    struct disk *disk = image_open(lent_file_new(image), &error);
    bool result;

    cr_assert_not_null(disk, "call %llu: %s", call, error.message);
    result = holds_new(disk, new_size);
    cr_expect(result || (disk->size >= OLD_SIZE && holds(disk, "oooo-")), "call %llu: a mixture",
              call);
    MUST(disk_begin(disk, &error));
    cr_expect_eq(result, holds_new(disk, new_size), "call %llu: replayed wrong", call);
    disk_abort(disk);
    MUST(change(disk, new_size));
    cr_expect(holds_new(disk, new_size));
    disk_close(disk);
    cr_expect_null(memory_file_side(image));
    return result;
}

static void check_after(struct file *image, const struct disk *disk, uint64_t new_size, bool failed,
                        unsigned long long call)
{
    struct file *left = memory_file_snapshot(image);
    bool result = is_new(left, new_size, call);

    cr_expect(result || !disk->committed, "call %llu: it is not committed", call);
    cr_expect(!result || disk->committed || disk->uncertain, "call %llu: it is committed", call);
    cr_expect(failed || disk->committed, "call %llu: it doesn't say that it is committed", call);
    file_close(left);
}

static void fail_everywhere(uint64_t new_size, struct failure failure)
{
    struct file *start = make_image();
    unsigned long long calls = 0, uncertain = 0, committed = 0;

    do {
        struct file *image = memory_file_snapshot(start);
        struct disk *disk;
        int result;

        failure.call = failure.calls = 0;
        disk = image_open(failing_file_new(lent_file_new(image), &failure), &error);
        failure.happened = false;
        failure.call = failure.calls + ++calls;
        result = change(disk, new_size);
        if (result && disk->in_transaction)
            disk_abort(disk);
        uncertain += disk->uncertain;
        committed += disk->committed && result;
        if (disk->failed)
            cr_expect_eq(disk_begin(disk, &error), -1, "call %llu: goes on (D5)", calls);
        check_after(image, disk, new_size, result != 0, calls);
        disk_close(disk);
        file_close(image);
    } while (failure.happened);
    cr_expect_gt(calls, 15);
    cr_expect_gt(uncertain, 0);
    cr_expect_gt(committed, 0);
    file_close(start);
}

Test(raw_faults, one_call_fails)
{
    fail_everywhere(8 * MIB, (struct failure){.errno_value = EIO});
    fail_everywhere(5 * MIB, (struct failure){.errno_value = EIO});
}

Test(raw_faults, one_call_and_all_that_follow_fail)
{
    fail_everywhere(8 * MIB, (struct failure){.errno_value = EIO, .for_good = true});
    fail_everywhere(5 * MIB, (struct failure){.errno_value = EIO, .for_good = true});
}

Test(raw_faults, writes_fail_half_way)
{
    fail_everywhere(8 * MIB, (struct failure){.errno_value = ENOSPC,
                                              .for_good = true,
                                              .changes_only = true,
                                              .half_a_write = true});
    fail_everywhere(
        8 * MIB, (struct failure){.errno_value = EIO, .changes_only = true, .half_a_write = true});
}

/* An image whose commit was marked, and no more. */
static struct file *make_pending(uint64_t new_size)
{
    struct file *image = make_image();
    struct failure failure = {.errno_value = EIO, .for_good = true, .changes_only = true};

    for (uint64_t call = 1;; call++) {
        struct file *left = memory_file_snapshot(image);
        struct disk *disk;
        bool found;

        failure.calls = 0;
        failure.call = call;
        disk = image_open(failing_file_new(lent_file_new(left), &failure), &error);
        cr_assert_neq(change(disk, new_size), 0);
        found = disk->committed;
        disk_close(disk);
        if (found) {
            file_close(image);
            return left;
        }
        file_close(left);
    }
}

static void fail_recovery(uint64_t new_size, struct failure failure)
{
    struct file *start = make_pending(new_size);
    unsigned long long calls = 0;

    do {
        struct file *image = memory_file_snapshot(start);
        struct disk *disk;

        failure.calls = 0;
        failure.happened = false;
        calls += calls < 100 ? 1 : 7; /* most are reads of one page after the other */
        failure.call = calls;
        disk = image_open(failing_file_new(lent_file_new(image), &failure), &error);
        if (disk && disk_begin(disk, &error) && !failure.for_good)
            cr_expect(holds_new(disk, new_size), "call %llu: another disk", calls);
        disk_close(disk);
        cr_expect(is_new(image, new_size, calls), "call %llu: lost", calls);
        file_close(image);
    } while (failure.happened);
    cr_expect_gt(calls, 5);
    file_close(start);
}

Test(raw_faults, recovery_fails)
{
    fail_recovery(8 * MIB, (struct failure){.errno_value = EIO});
    fail_recovery(5 * MIB, (struct failure){.errno_value = EIO, .for_good = true});
    fail_recovery(5 * MIB, (struct failure){.errno_value = ENOSPC,
                                            .for_good = true,
                                            .changes_only = true,
                                            .half_a_write = true});
}
