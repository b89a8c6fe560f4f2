/* Whatever call to the host fails in a transaction: the file holds the old disk or the new one,
 * whole, the disk says which where it is certain, and it takes no further change (D5). */
#include <criterion/criterion.h>
#include <errno.h>

#include "base/checked.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "image-format/vhdx/vhdx.h"
#include "tests/support/failing-file.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"

#define OLD_SIZE (6 * MIB)

static struct error error;

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

static struct file *make_image(void)
{
    struct vhdx_create_options options = {OLD_SIZE, MIB, 512, 4096, {{1}}};
    struct file *image = memory_file_new(0);
    struct disk *disk;

    MUST(vhdx_create(image, &options, &error));
    disk = image_open(lent_file_new(image), &error);
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < 4; i++)
        MUST(disk_write(disk, i * MIB, "o", 1, &error));
    MUST(disk_commit(disk, &error));
    disk_close(disk);
    return image;
}

static int change(struct disk *disk, uint64_t new_size)
{
    return disk_begin(disk, &error) || disk_write(disk, 0, "n", 1, &error) ||
           disk_set_size(disk, new_size, &error) || disk_zero(disk, MIB, MIB, &error) ||
           disk_write(disk, 2 * MIB, "n", 1, &error) ||
           (new_size > 5 * MIB && disk_write(disk, 5 * MIB, "n", 1, &error)) ||
           disk_write(disk, new_size - 1, "n", 1, &error) || disk_commit(disk, &error);
}

/* The first bytes of the six blocks, or of those that there are. */
static bool holds(struct disk *disk, const char *expected)
{
    for (uint64_t i = 0; i < 6 && i * MIB < disk->size; i++) {
        char byte;

        MUST(disk_read(disk, i * MIB, &byte, 1, &error));
        if (byte != (expected[i] == '-' ? 0 : expected[i]))
            return false;
    }
    return true;
}

/* Which of the two disks is in the file; both can be changed. */
static bool is_new(struct file *image, uint64_t new_size, unsigned long long call)
{
    struct disk *disk = image_open(lent_file_new(image), &error);
    bool result;

    cr_assert_not_null(disk, "call %llu: %s", call, error.message);
    result = disk->size == new_size;
    cr_assert(result || disk->size == OLD_SIZE);
    cr_expect(holds(disk, result ? "n-no-n" : "oooo--"), "call %llu: a mixture", call);
    MUST(disk_begin(disk, &error));
    cr_expect(holds(disk, result ? "n-no-n" : "oooo--"), "call %llu: replayed wrong", call);
    disk_close(disk);
    return result;
}

static void fail_everywhere(uint64_t new_size, struct failure failure)
{
    struct file *start = make_image();
    unsigned long long calls = 0, olds = 0, news = 0;

    do {
        struct file *image = memory_file_snapshot(start);
        bool committed, attempted, result;
        struct disk *disk;

        failure.call = failure.calls = 0;
        disk = image_open(failing_file_new(lent_file_new(image), &failure), &error);
        failure.happened = false;
        failure.call = failure.calls + ++calls;
        if (change(disk, new_size) == 0)
            cr_expect(disk->committed);
        attempted = disk->failed;
        committed = disk->committed;
        failure.call = 0;
        if (attempted)
            cr_expect_eq(disk_begin(disk, &error), -1, "call %llu: goes on (D5)", calls);
        disk_close(disk);
        result = is_new(image, new_size, calls);
        cr_expect(result || !committed, "call %llu: it is not committed", calls);
        cr_expect(!result || attempted || committed, "call %llu: it is committed", calls);
        olds += !result;
        news += result;
        file_close(image);
    } while (failure.happened);
    cr_expect_gt(olds, 10);
    cr_expect_gt(news, 3);
    file_close(start);
}

Test(vhdx_faults, one_call_fails)
{
    fail_everywhere(8 * MIB, (struct failure){.errno_value = EIO});
    fail_everywhere(200 * GIB, (struct failure){.errno_value = EIO});
    fail_everywhere(2 * MIB + 4096, (struct failure){.errno_value = EIO});
}

Test(vhdx_faults, one_call_and_all_that_follow_fail)
{
    fail_everywhere(8 * MIB, (struct failure){.errno_value = EIO, .for_good = true});
    fail_everywhere(200 * GIB, (struct failure){.errno_value = EIO, .for_good = true});
    fail_everywhere(2 * MIB + 4096, (struct failure){.errno_value = EIO, .for_good = true});
}

Test(vhdx_faults, writes_fail_half_way)
{
    fail_everywhere(200 * GIB, (struct failure){.errno_value = ENOSPC,
                                                .for_good = true,
                                                .changes_only = true,
                                                .half_a_write = true});
    fail_everywhere(2 * MIB + 4096, (struct failure){.errno_value = ENOSPC,
                                                     .for_good = true,
                                                     .changes_only = true,
                                                     .half_a_write = true});
}
