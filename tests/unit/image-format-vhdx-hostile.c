/* Numbers that no honest program wrote: an image is opened or refused, soon; one that can be
 * changed is changed right, and one that can't is left as it was. VHDX_HOSTILE_SEEDS=FIRST-LAST
 * tries more. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/support/vhdx-hostile.h"

static void look_around(struct disk *disk)
{
    struct disk_description description;
    struct disk_extent extent = {0};
    uint64_t cost, at = 0;
    uint8_t bytes[512];

    disk_describe(disk, &description, &error);
    for (int i = 0; i < 50 && at < disk->size; i++, at += extent.size)
        if (disk_get_extent(disk, at, disk->size, &extent, &error))
            extent.size = MIB;
    for (uint64_t i = 0; i < 8; i++)
        disk_read(disk, min_u64(i * MIB, disk->size - 512), bytes, 512, &error);
    disk_read(disk, disk->size - 512, bytes, 512, &error);
    disk_growth_cost(disk, disk->size, &(struct disk_range){.size = disk->size}, 1, &cost, &error);
}

static void change(struct disk *disk, unsigned long long seed)
{
    char text[8] = "";

    disk_write(disk, 100, "written", 7, &error);
    disk_forget(disk, 0, disk->size < 3 * MIB ? 0 : 3 * MIB, &error);
    cr_assert_eq(disk_write(disk, 200, "written", 7, &error), 0, "seed %llu", seed);
    if (disk->size < VHDX_MAX_VIRTUAL_SIZE)
        MUST(disk_set_size(disk, disk->size + 4096, &error));
    if (disk_commit(disk, &error))
        return;
    MUST(disk_reclaim(disk, &error));
    cr_assert_eq(disk_read(disk, 200, text, 7, &error), 0, "seed %llu: %s", seed, error.message);
    cr_assert_str_eq(text, "written");
}

static void try_one(const struct file *image, unsigned long long seed)
{
    struct file *broken = memory_file_snapshot(image), *before;
    struct disk *disk;
    clock_t start;

    break_image(broken, seed);
    before = memory_file_snapshot(broken);
    start = clock();
    disk = image_open(lent_file_new(broken), &error);
    if (disk) {
        look_around(disk);
        cr_assert(memory_file_equal(broken, before), "seed %llu: reading changed it", seed);
        if (disk_begin(disk, &error)) {
            cr_assert(memory_file_equal(broken, before) || disk->failed,
                      "seed %llu: changed and refused (%s)", seed, error.message);
        } else {
            change(disk, seed);
            disk_close(disk);
            disk = image_open(lent_file_new(broken), &error);
            cr_assert_not_null(disk, "seed %llu: %s", seed, error.message);
            cr_assert_eq(disk_begin(disk, &error), 0, "seed %llu: %s", seed, error.message);
        }
    }
    disk_close(disk);
    cr_assert_lt(clock() - start, 5 * CLOCKS_PER_SEC, "seed %llu takes too long", seed);
    file_close(before);
    file_close(broken);
}

Test(vhdx_hostile, odd_numbers, .timeout = 0)
{
    const char *seeds = getenv("VHDX_HOSTILE_SEEDS");
    unsigned long long first = 1, last = 1500;
    struct file *image = make_image();

    if (seeds && sscanf(seeds, "%llu-%llu", &first, &last) != 2)
        cr_assert_fail("VHDX_HOSTILE_SEEDS is no range");
    for (unsigned long long seed = first; seed <= last; seed++)
        try_one(image, seed);
    file_close(image);
}
