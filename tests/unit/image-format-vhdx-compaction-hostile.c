/* Compaction of images that no honest program wrote: refused before anything is changed, or done
 * right, and soon. VHDX_HOSTILE_SEEDS=FIRST-LAST tries more. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/support/vhdx-hostile.h"

#define PLACES 24

/* What is read in a few places of the disk; unreadable where nothing is. */
struct look {
    uint64_t step;
    char bytes[PLACES][8];
    bool readable[PLACES];
};

static void look_around(struct disk *disk, uint64_t step, struct look *ret_look)
{
    *ret_look = (struct look){.step = step};
    for (uint64_t i = 0; i < PLACES && i * step + 8 <= disk->size; i++)
        ret_look->readable[i] = disk_read(disk, i * step, ret_look->bytes[i], 8, &error) == 0;
}

/* A few ranges of whole blocks, or all of the disk. */
static size_t choose_unused(const struct disk *disk, uint64_t block_size,
                            struct disk_unused *ret_unused)
{
    uint64_t at = 0;
    size_t count = 0;

    if (random_below(&state, 8) == 0)
        at = UINT64_MAX;
    if (at == UINT64_MAX) {
        ret_unused[0] = (struct disk_unused){DISK_UNUSED_FREE, 0, disk->size};
        return 1;
    }
    while (count < 4) {
        uint64_t size;

        at += random_below(&state, 3) * block_size;
        if (at >= disk->size)
            break;
        size = min_u64(block_size * (1 + random_below(&state, 2)), disk->size - at);
        ret_unused[count++] =
            (struct disk_unused){(enum disk_unused_kind)random_below(&state, 2), at, size};
        at += size;
    }
    return count;
}

static bool is_unused(const struct disk_unused *unused, size_t count, uint64_t offset)
{
    for (size_t i = 0; i < count; i++)
        if (offset >= unused[i].offset && offset < unused[i].offset + unused[i].size)
            return true;
    return false;
}

static void expect_same(struct disk *disk, const struct look *before,
                        const struct disk_unused *unused, size_t count, unsigned long long seed)
{
    struct look after;

    look_around(disk, before->step, &after);
    for (uint64_t i = 0; i < PLACES; i++) {
        if (!before->readable[i] || is_unused(unused, count, i * before->step))
            continue;
        cr_assert(after.readable[i] && memcmp(before->bytes[i], after.bytes[i], 8) == 0,
                  "seed %llu: other bytes at %llu", seed, (unsigned long long)(i * before->step));
    }
}

static void compact(struct file *file, struct disk *disk, const struct disk_unused *unused,
                    size_t count, unsigned long long seed)
{
    CLEANUP(cleanup_disk_compaction) struct disk_compaction *plan = NULL;
    struct file *before = memory_file_snapshot(file);
    uint64_t size;

    if (disk_plan_compaction(disk, unused, count, &plan, &error)) {
        cr_assert(memory_file_equal(file, before), "seed %llu: planned, and changed", seed);
    } else if (disk_compact(disk, plan, NULL, &error)) {
        cr_assert(memory_file_equal(file, before) || disk->failed, "seed %llu: %s", seed,
                  error.message);
    } else {
        MUST(file_get_size(file, &size, &error));
        cr_assert_eq(size, plan->file_size, "seed %llu: %llu bytes, not %llu", seed,
                     (unsigned long long)size, (unsigned long long)plan->file_size);
    }
    file_close(before);
}

static void try_disk(struct file *broken, struct disk *disk, unsigned long long seed)
{
    struct disk_description description;
    struct disk_unused unused[4];
    struct look before;
    size_t count;

    if (disk_describe(disk, &description, &error))
        return;
    count = choose_unused(disk, description.block_size, unused);
    look_around(disk, max_u64(description.block_size / 2, 512), &before);
    compact(broken, disk, unused, count, seed);
    if (!disk->failed)
        expect_same(disk, &before, unused, count, seed);
    disk = image_open(lent_file_new(broken), &error);
    cr_assert_not_null(disk, "seed %llu: %s", seed, error.message);
    expect_same(disk, &before, unused, count, seed);
    disk_close(disk);
}

static bool try_one(const struct file *image, unsigned long long seed)
{
    struct file *broken = memory_file_snapshot(image);
    struct disk *disk;
    clock_t start;
    bool committed;

    break_image(broken, seed);
    start = clock();
    disk = image_open(lent_file_new(broken), &error);
    if (disk)
        try_disk(broken, disk, seed);
    committed = disk && disk->committed;
    disk_close(disk);
    cr_assert_lt(clock() - start, 5 * CLOCKS_PER_SEC, "seed %llu takes too long", seed);
    file_close(broken);
    return committed;
}

Test(vhdx_compaction_hostile, odd_numbers, .timeout = 0)
{
    const char *seeds = getenv("VHDX_HOSTILE_SEEDS");
    unsigned long long first = 1, last = 1500, done = 0;
    struct file *image = make_image();

    if (seeds && sscanf(seeds, "%llu-%llu", &first, &last) != 2)
        cr_assert_fail("VHDX_HOSTILE_SEEDS is no range");
    for (unsigned long long seed = first; seed <= last; seed++)
        done += try_one(image, seed);
    cr_expect_gt(done, (last - first) / 20, "only %llu could be compacted", done);
    fprintf(stderr, "%llu compacted\n", done);
    file_close(image);
}

/* 64 TiB with a few blocks: neither time nor memory for what isn't there. */
Test(vhdx_compaction_hostile, a_huge_disk)
{
    struct vhdx_create_options options = {64 * TIB, MIB, 512, 4096, {{1}}};
    struct disk_unused unused = {DISK_UNUSED_FREE, MIB, 64 * TIB - MIB};
    CLEANUP(cleanup_disk_compaction) struct disk_compaction *plan = NULL;
    struct file *image = memory_file_new(0);
    struct disk *disk;
    clock_t start;

    MUST(vhdx_create(image, &options, &error));
    disk = image_open(image, &error);
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < 16; i++)
        MUST(disk_write(disk, i * 4 * TIB, "text", 4, &error));
    MUST(disk_commit(disk, &error));
    start = clock();
    MUST(disk_plan_compaction(disk, &unused, 1, &plan, &error));
    MUST(disk_compact(disk, plan, NULL, &error));
    cr_expect_lt(clock() - start, CLOCKS_PER_SEC);
    cr_expect_eq(plan->given_back, 15 * MIB);
    disk_close(disk);
}
