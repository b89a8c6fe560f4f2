/* What was never used costs no read, however large the filesystem is. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/checked.h"
#include "ext4/unused.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/plain-disk.h"

static struct error error;

/* Of the plain disk, but for reads, which are counted. */
static struct disk_operations counting;
static int (*plain_read)(struct disk *, uint64_t, void *, size_t, struct error *);
static uint64_t reads;

static int counted_read(struct disk *disk, uint64_t offset, void *buffer, size_t size,
                        struct error *ret_error)
{
    reads++;
    return plain_read(disk, offset, buffer, size, ret_error);
}

struct sums {
    uint64_t ranges, bytes;
};

static int add(enum disk_unused_kind kind, uint64_t offset, uint64_t size, void *context,
               struct error *ret_error)
{
    struct sums *sums = context;

    (void)kind;
    (void)offset;
    (void)ret_error;
    sums->ranges++;
    sums->bytes += size;
    return 0;
}

static void measure(const char *options, uint64_t size, uint64_t most_reads, uint64_t most_ranges)
{
    char *path = make_filesystem(options, size, 1, &error);
    clock_t before;
    struct sums sums = {0};
    struct disk *disk;
    struct ext4 ext4;

    cr_assert_not_null(path, "%s", error.message);
    cr_assert_eq(plain_disk_open(path, &disk, &error), 0, "%s", error.message);
    counting = *disk->operations;
    plain_read = counting.read;
    counting.read = counted_read;
    disk->operations = &counting;
    cr_assert_eq(ext4_open_checked(disk, false, &ext4, &error), 0, "%s", error.message);
    reads = 0;
    before = clock();
    cr_assert_eq(ext4_unused_each(&ext4, add, &sums, &error), 0, "%s", error.message);
    if (getenv("SHOW"))
        printf("%s: %u groups, %llu reads, %llu ranges, %.3f s\n", options, ext4.geometry.groups,
               (unsigned long long)reads, (unsigned long long)sums.ranges,
               (double)(clock() - before) / CLOCKS_PER_SEC);
    cr_expect_leq(reads, most_reads, "%s: %llu", options, (unsigned long long)reads);
    cr_expect_leq(sums.ranges, most_ranges, "%s: %llu", options, (unsigned long long)sums.ranges);
    cr_expect_gt(sums.bytes, size / 100 * 95);
    ext4_release(&ext4);
    disk_close(disk);
    filesystem_remove(path);
}

/* Heads, bitmaps and tables of 65536 groups: most groups are free whole, and in a row. */
Test(ext4_unused_cost, eight_tebibytes_of_nothing)
{
    measure("-b 4096 -G 4096 -E lazy_itable_init=1,lazy_journal_init=1", 8 * TIB, 200, 300);
}

Test(ext4_unused_cost, tables_beside_their_groups)
{
    measure("-b 4096 -O ^flex_bg -E lazy_itable_init=1,lazy_journal_init=1", 256 * GIB, 100, 4200);
}
