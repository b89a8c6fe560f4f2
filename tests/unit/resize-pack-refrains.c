/* Where packing leaves alone what it can't move, and does nothing where there is nothing to gain.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "resize/pack.h"
#include "resize/run.h"
#include "tests/support/host.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/resize-scenario.h"

static struct error error;

static struct file *make(const char *mkfs_options, const char *contents, uint64_t size)
{
    const struct resize_scenario scenario = {.name = "refrains",
                                             .mkfs_options = mkfs_options,
                                             .contents = contents,
                                             .fs_size = size,
                                             .is_vhdx = true};
    struct file *image = resize_scenario_image(&scenario, &error);

    cr_assert_not_null(image, "%s", error.message);
    return image;
}

/* Plans for the image, and carries out what is planned. */
static struct resize_packing pack(struct file *image, uint64_t unit_size,
                                  struct resize_state *ret_state)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(lent_file_new(image), &error);
    struct resize_run run = {.now = 1700000000};
    struct resize_packing packing;
    struct ext4 ext4;

    cr_assert_not_null(disk, "%s", error.message);
    run.disk_size = disk->size;
    cr_assert_eq(ext4_open_checked(disk, false, &ext4, &error), 0, "%s", error.message);
    cr_assert_eq(resize_plan_packing(&ext4, unit_size, &packing, &error), 0, "%s", error.message);
    cr_assert_eq(resize_run(disk, &ext4, &packing.plan, &run, ret_state, &error), 0, "%s",
                 error.message);
    ext4_release(&ext4);
    return packing;
}

static bool empties(const struct resize_packing *packing, uint64_t block)
{
    struct ext4_run part;

    return resize_zones_meet(&packing->emptied, (struct ext4_run){block, 1}, &part);
}

/* A unit with a bad block stays; others don't. */
Test(resize_pack_refrains, bad_blocks, .timeout = 300)
{
    CLEANUP_FREE char *list = host_temporary_file(NULL, &error);
    CLEANUP_FREE char *options = NULL;
    struct resize_packing packing;
    struct resize_state state;
    struct file *image;
    FILE *file;

    cr_assert_not_null(list);
    file = fopen(list, "w");
    for (unsigned unit = 3; unit < 24; unit += 2)
        fprintf(file, "%llu\n", (unsigned long long)(unit * KIB + 700));
    cr_assert_eq(fclose(file), 0);
    cr_assert_gt(asprintf(&options, "-b 1024 -N 1024 -O ^has_journal -l %s", list), 0);
    image = make(options, "600 50000 0.1", 24 * MIB);
    unlink(list);
    packing = pack(image, 1 * MIB, &state);
    cr_expect(state.moved);
    cr_expect_geq(packing.emptied.count, 2);
    for (unsigned unit = 3; unit < 24; unit += 2)
        cr_expect(!empties(&packing, unit * KIB + 700), "unit %u was emptied", unit);
    resize_packing_free(&packing);
    file_close(image);
}

/* Not one unit more would become empty: no byte of the image changes. */
static void expect_untouched(const char *mkfs_options, const char *contents, uint64_t size,
                             uint64_t unit_size)
{
    struct file *image = make(mkfs_options, contents, size);
    struct file *before = memory_file_snapshot(image);
    struct resize_state state;
    struct resize_packing packing = pack(image, unit_size, &state);

    cr_expect(resize_plan_is_empty(&packing.plan));
    cr_expect_eq(packing.plan.write_bytes, 0);
    cr_expect(!state.begun && !state.moved && !state.changed);
    cr_expect(memory_file_equal(image, before));
    resize_packing_free(&packing);
    file_close(before);
    file_close(image);
}

Test(resize_pack_refrains, one_unit, .timeout = 300)
{
    expect_untouched("-b 1024 -N 1024 -O ^has_journal", "300 40000 0.1", 16 * MIB, 16 * MIB);
}

/* Each unit has tables or heads of its own. */
Test(resize_pack_refrains, fixed_units, .timeout = 300)
{
    expect_untouched("-b 1024 -g 1024 -N 4096 -O ^has_journal,^flex_bg,^sparse_super,^resize_inode",
                     "300 40000 0.1", 16 * MIB, 1 * MIB);
}

/* Whether packing would empty the unit that the filesystem ends in. */
static bool would_empty_the_end(struct disk *disk)
{
    struct resize_packing packing;
    struct ext4 ext4;
    bool would;

    cr_assert_eq(ext4_open_checked(disk, false, &ext4, &error), 0, "%s", error.message);
    cr_assert_eq(resize_plan_packing(&ext4, 1 * MIB, &packing, &error), 0, "%s", error.message);
    would = empties(&packing, ext4.geometry.blocks - 1);
    resize_packing_free(&packing);
    ext4_release(&ext4);
    return would;
}

/* Bytes behind the filesystem are somebody else's. */
Test(resize_pack_refrains, behind_the_end, .timeout = 300)
{
    const uint64_t size = 15 * MIB + 512 * KIB;
    struct file *image = make("-b 1024 -N 1024 -O ^has_journal", "600 50000 0 full-front", size);
    CLEANUP(cleanup_disk) struct disk *disk = image_open(lent_file_new(image), &error);

    cr_assert_not_null(disk, "%s", error.message);
    cr_expect(would_empty_the_end(disk));
    cr_assert_eq(disk_begin(disk, &error), 0);
    cr_assert_eq(disk_set_size(disk, size + 512, &error), 0, "%s", error.message);
    cr_assert_eq(disk_commit(disk, &error), 0);
    cr_expect(!would_empty_the_end(disk));
    file_close(image);
}
