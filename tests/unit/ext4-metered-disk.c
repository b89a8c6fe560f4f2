#include <criterion/criterion.h>

#include "base/checked.h"
#include "ext4/metered-disk.h"

/* Holds ones, but for a place that can't be read. */
static int read_ones(struct disk *disk, uint64_t offset, void *buffer, size_t size,
                     struct error *error)
{
    (void)disk;
    if (offset == 64 * KIB)
        return error_set(error, ERROR_SYSTEM, "bad sector");
    memset(buffer, 1, size);
    return 0;
}

static const struct disk_operations operations = {.read = read_ones};
static struct disk below = {.operations = &operations, .size = 1 * MIB};
static struct metered_disk metered;

/* The byte at offset, from a read of so many. */
static int byte_at(uint64_t offset, size_t size)
{
    uint8_t buffer[8 * KIB] = {42};
    struct error error;

    cr_assert_eq(disk_read(&metered.disk, offset, buffer, size, &error), 0);
    return buffer[0];
}

Test(metered_disk, zeros_follow_once_the_allowance_is_used_up)
{
    metered_disk_init(&metered, &below, 16 * KIB);
    cr_assert_eq(byte_at(0, 1), 1);
    cr_assert_eq(byte_at(0, 8 * KIB), 1);
    cr_assert_eq(byte_at(0, 8 * KIB), 0);
    cr_assert_eq(byte_at(0, 1), 0);
}

Test(metered_disk, what_cannot_be_read_is_zeros)
{
    metered_disk_init(&metered, &below, 1 * MIB);
    cr_assert_eq(byte_at(64 * KIB, 512), 0);
    cr_assert_eq(byte_at(1 * MIB, 512), 0);
    cr_assert_eq(byte_at(INT64_MAX - 512, 512), 0);
    cr_assert_eq(byte_at(1 * MIB - 512, 512), 1);
}
