/* Compacting a raw image in a file of the host: the plan's figure is what the file takes up less
 * afterwards, in memory (tmpfs) and on ext4; and the used bytes stay. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/checked.h"
#include "image-format/disk.h"
#include "image-format/file-posix.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "tests/support/must.h"
#include "tests/support/random.h"

#define SIZE (32 * MIB)
#define PAGE 4096
#define RUNS 60

static struct error error;
static char path[64];
static int descriptor;
static uint8_t *model;

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

/* A file in the folder, where that is on a filesystem of the type; else the test ends. */
static void make_file(const char *folder, long type)
{
    struct statfs filesystem;

    if (statfs(folder, &filesystem) || filesystem.f_type != type || filesystem.f_bsize != PAGE)
        cr_skip_test("%s is on another kind of filesystem", folder);
    snprintf(path, sizeof path, "%s/vhdtool-compaction-XXXXXX", folder);
    descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(ftruncate(descriptor, SIZE), 0);
    model = must_allocate(SIZE);
}

static void drop_file(void)
{
    close(descriptor);
    unlink(path);
    free(model);
}

static uint64_t allocated(void)
{
    struct stat status;

    cr_assert_eq(fsync(descriptor), 0);
    cr_assert_eq(fstat(descriptor, &status), 0);
    return (uint64_t)status.st_blocks * 512;
}

static void write_runs(uint64_t *random)
{
    for (int i = 0; i < RUNS; i++) {
        uint64_t offset = random_below(random, SIZE / 512 - 1) * 512;
        uint64_t size = min_u64(SIZE - offset, 512 * (1 + random_below(random, 1000)));

        memset(model + offset, 'a' + i % 26, size);
        cr_assert_eq(pwrite(descriptor, model + offset, size, (off_t)offset), (ssize_t)size);
    }
}

/* Every other piece of the disk, in pieces of random sizes. */
static size_t pick_unused(struct disk_unused *list, uint64_t *random)
{
    size_t count = 0;
    uint64_t at = 0;

    for (;;) {
        uint64_t from = at + PAGE * random_below(random, 100);
        uint64_t size = PAGE * (1 + random_below(random, 150));

        if (from + size > SIZE)
            return count;
        list[count++] = (struct disk_unused){DISK_UNUSED_FREE, from, size};
        memset(model + from, 0, size);
        at = from + size;
    }
}

/* Returns what the plan said, and what became of it, in bytes. */
static uint64_t compact(const struct disk_unused *unused, size_t count, uint64_t *ret_less)
{
    const struct disk_watch nobody = {NULL, NULL};
    struct disk *disk = image_open(file_posix_open(path, true, &error), &error);
    struct disk_compaction *compaction;
    uint64_t before = allocated(), given_back;
    uint8_t *found = must_allocate(SIZE);

    cr_assert_not_null(disk, "%s", error.message);
    MUST(disk_plan_compaction(disk, unused, count, &compaction, &error));
    given_back = compaction->given_back;
    MUST(disk_compact(disk, compaction, &nobody, &error));
    disk_compaction_free(compaction);
    *ret_less = before - allocated();
    cr_assert_eq(disk->size, SIZE);
    MUST(disk_read(disk, 0, found, SIZE, &error));
    cr_assert_eq(memcmp(found, model, SIZE), 0);
    free(found);
    disk_close(disk);
    return given_back;
}

/* tree: bytes that the host may need for its own records of more holes. */
static void measure(const char *folder, long type, uint64_t tree)
{
    struct disk_unused *unused = must_allocate(SIZE / PAGE * sizeof *unused);

    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t random = seed, given_back, less;
        size_t count;

        make_file(folder, type);
        write_runs(&random);
        count = pick_unused(unused, &random);
        given_back = compact(unused, count, &less);
        cr_expect_gt(given_back, 0);
        cr_expect_leq(less, given_back, "seed %llu", (unsigned long long)seed);
        cr_expect_geq(less + tree, given_back, "seed %llu", (unsigned long long)seed);
        fprintf(stderr, "%s, seed %llu: %llu bytes of %zu ranges, %llu less\n", folder,
                (unsigned long long)seed, (unsigned long long)given_back, count,
                (unsigned long long)less);
        cr_expect_eq(compact(unused, count, &less), 0, "again");
        cr_expect_eq(less, 0);
        drop_file();
    }
    free(unused);
}

Test(raw_compaction_host, in_memory)
{
    measure("/dev/shm", TMPFS_MAGIC, 0);
}

Test(raw_compaction_host, on_ext4)
{
    measure("/tmp", EXT4_SUPER_MAGIC, 2 * PAGE);
}

/* Storage without data is no data, and stays. */
Test(raw_compaction_host, what_is_set_apart_stays)
{
    const struct disk_unused all = {DISK_UNUSED_FREE, 0, SIZE / 2};
    uint64_t given_back, less;

    make_file("/tmp", EXT4_SUPER_MAGIC);
    cr_assert_eq(fallocate(descriptor, 0, 0, SIZE), 0);
    cr_assert_eq(pwrite(descriptor, "used", 4, SIZE / 2), 4);
    cr_assert_eq(pwrite(descriptor, "free", 4, MIB), 4);
    memcpy(model + SIZE / 2, "used", 4);
    given_back = compact(&all, 1, &less);
    cr_expect_geq(given_back, PAGE);
    cr_expect_leq(given_back, 64 * KIB, "ext4 zeroes a little around what is written there");
    cr_expect_eq(less, given_back);
    drop_file();
}
