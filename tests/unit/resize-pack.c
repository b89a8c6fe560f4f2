/* Packing real filesystems in memory: emptied units hold nothing, e2fsck finds nothing, the tree is
 * the same, nothing is stored that wasn't, and a second time there is next to nothing to do. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/unused.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "resize/host-space.h"
#include "resize/pack.h"
#include "resize/run.h"
#include "tests/support/image.h"
#include "tests/support/judge.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"
#include "tests/support/random.h"
#include "tests/support/resize-scenario.h"

static struct error error;

/* Units that are stored, by index. */
struct stored {
    bool *units;
    size_t count;
};

static struct stored stored_units(struct disk *disk, uint64_t unit_size)
{
    struct stored stored = {.count = divide_up(disk->size, unit_size)};
    struct disk_extent extent;

    stored.units = must_allocate(stored.count);
    for (uint64_t offset = 0; offset < disk->size; offset += extent.size) {
        cr_assert_eq(disk_get_extent(disk, offset, disk->size, &extent, &error), 0);
        for (uint64_t unit = offset / unit_size;
             extent.state == DISK_EXTENT_DATA && unit * unit_size < offset + extent.size; unit++)
            stored.units[unit] = true;
    }
    return stored;
}

static size_t count_stored(const struct stored *stored)
{
    size_t count = 0;

    for (size_t i = 0; i < stored->count; i++)
        count += stored->units[i];
    return count;
}

static bool is_inside(const struct resize_zones *zones, uint64_t start, uint64_t count)
{
    struct ext4_run part;

    return resize_zones_meet(zones, (struct ext4_run){start, count}, &part) &&
           part.start == start && part.count == count;
}

/* Stored, and in no unit that is emptied. */
static bool is_destination(const struct resize_packing *packing, const struct stored *stored,
                           uint64_t unit_blocks, uint64_t start, uint64_t count)
{
    struct ext4_run part;

    for (uint64_t unit = start / unit_blocks; unit * unit_blocks < start + count; unit++)
        if (!stored->units[unit])
            return false;
    return !resize_zones_meet(&packing->emptied, (struct ext4_run){start, count}, &part);
}

static void check_plan(const struct resize_packing *packing, const struct stored *stored,
                       uint64_t unit_size)
{
    const struct resize_relocation *relocation = &packing->plan.relocation;
    uint64_t unit_blocks = unit_size / packing->plan.old.block_size;
    uint64_t end = packing->plan.old.blocks;

    cr_expect_eq(packing->plan.steps.count, 0);
    cr_expect_geq(packing->plan.write_bytes, relocation->copied * packing->plan.old.block_size);
    for (size_t i = 0; i < packing->emptied.count; i++) {
        const struct ext4_run *run = &packing->emptied.runs[i];

        cr_expect_eq(run->start % unit_blocks, 0, "not whole units");
        cr_expect(run->count % unit_blocks == 0 || run->start + run->count == end);
        for (uint64_t at = run->start; at < run->start + run->count; at += unit_blocks)
            cr_expect(stored->units[at / unit_blocks], "given up, and not there");
    }
    for (size_t i = 0; i < relocation->move_count; i++) {
        const struct resize_move *move = &relocation->moves[i];

        cr_expect(is_inside(&packing->emptied, move->from, move->count), "moved for nothing");
        cr_expect(is_destination(packing, stored, unit_blocks, move->to, move->count));
    }
    for (size_t i = 0; i < relocation->node_count; i++)
        cr_expect(is_destination(packing, stored, unit_blocks, relocation->nodes[i], 1));
}

/* Fills what nothing is in with bytes that mean nothing, and ticks it off. */
struct overwriting {
    struct disk *disk;
    const struct resize_zones *emptied;
    uint32_t block_size;
    uint64_t blocks; /* of emptied units */
};

static int overwrite(enum disk_unused_kind kind, uint64_t offset, uint64_t size, void *context,
                     struct error *ret_error)
{
    struct overwriting *overwriting = context;
    struct ext4_run run = {offset / overwriting->block_size, size / overwriting->block_size}, part;
    static uint64_t garbage[8 * KIB];
    static uint64_t state = 1;

    while (resize_zones_meet(overwriting->emptied, run, &part)) {
        run.count -= part.start + part.count - run.start;
        run.start = part.start + part.count;
        overwriting->blocks += part.count;
        for (size_t i = 0; kind == DISK_UNUSED_FREE && i < sizeof garbage / sizeof *garbage; i++)
            garbage[i] = random_next(&state);
        for (uint64_t i = 0; kind == DISK_UNUSED_FREE && i < part.count; i++)
            if (disk_write(overwriting->disk, (part.start + i) * overwriting->block_size, garbage,
                           min_u64(overwriting->block_size, sizeof garbage), ret_error))
                return -1;
    }
    return 0;
}

/* All that lies in emptied units is unused, and can be anything. */
static void check_emptied(struct disk *disk, const struct resize_packing *packing)
{
    struct overwriting overwriting = {disk, &packing->emptied, packing->plan.old.block_size, 0};
    uint64_t expected = 0;
    struct ext4 ext4;

    for (size_t i = 0; i < packing->emptied.count; i++)
        expected += packing->emptied.runs[i].count;
    cr_assert_eq(ext4_open_checked(disk, false, &ext4, &error), 0, "%s", error.message);
    cr_assert_eq(disk_begin(disk, &error), 0);
    cr_assert_eq(ext4_unused_each(&ext4, overwrite, &overwriting, &error), 0, "%s", error.message);
    cr_assert_eq(disk_commit(disk, &error), 0, "%s", error.message);
    cr_expect_eq(overwriting.blocks, expected, "%llu blocks of %llu are unused",
                 (unsigned long long)overwriting.blocks, (unsigned long long)expected);
    ext4_release(&ext4);
}

static uint64_t count_blocks(const struct resize_zones *zones)
{
    uint64_t blocks = 0;

    for (size_t i = 0; i < zones->count; i++)
        blocks += zones->runs[i].count;
    return blocks;
}

/* Packs the disk; returns what was planned. */
static struct resize_packing pack(struct disk *disk, uint64_t unit_size)
{
    const struct resize_run run = {
        .disk_size = disk->size, .now = 1700000000, .batch_bytes = 1 * MIB};
    struct stored before = stored_units(disk, unit_size), after;
    struct resize_packing packing;
    struct resize_state state = {0};
    struct ext4 ext4;
    uint64_t cost;

    cr_assert_eq(ext4_open_checked(disk, false, &ext4, &error), 0, "%s", error.message);
    cr_assert_eq(resize_plan_packing(&ext4, unit_size, &packing, &error), 0, "%s", error.message);
    check_plan(&packing, &before, unit_size);
    cr_assert_eq(
        resize_check_host_space(disk, &ext4, &packing.plan, disk->size, UINT64_MAX, &cost, &error),
        0, "%s", error.message);
    cr_assert_eq(resize_run(disk, &ext4, &packing.plan, &run, &state, &error), 0, "%s",
                 error.message);
    cr_expect_eq(state.moved, !resize_plan_is_empty(&packing.plan));
    cr_expect(!state.changed && !state.uncertain);
    ext4_release(&ext4);
    after = stored_units(disk, unit_size);
    for (size_t i = 0; i < before.count; i++)
        cr_expect(before.units[i] || !after.units[i], "unit %zu wasn't stored before", i);
    fprintf(stderr,
            "%zu of %zu units stored, %llu blocks emptied; %zu moves of %llu blocks, %zu inodes, "
            "%zu new nodes\n",
            count_stored(&before), before.count, (unsigned long long)count_blocks(&packing.emptied),
            packing.plan.relocation.move_count, (unsigned long long)packing.plan.relocation.blocks,
            packing.plan.relocation.inode_count, packing.plan.relocation.node_count);
    free(before.units);
    free(after.units);
    return packing;
}

/* Packs the image, and looks at what has become of it. Returns the plan, the caller's to free. */
static struct resize_packing pack_image(const char *name, struct file *image, uint64_t unit_size)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(lent_file_new(image), &error);
    struct judge *judge = judge_new(&error);
    struct image_state old, new;
    struct resize_packing first, second;
    const char *wrong = image_examine(judge, image, &old);

    cr_assert_null(wrong, "%s, before: %s", name, wrong);
    cr_assert_not_null(disk, "%s", error.message);
    fprintf(stderr, "%s: ", name);
    first = pack(disk, unit_size);
    wrong = image_examine(judge, image, &new);
    cr_expect_null(wrong, "%s: %s", name, wrong);
    check_emptied(disk, &first);
    wrong = image_examine(judge, image, &new);
    cr_expect_null(wrong, "%s, overwritten: %s", name, wrong);
    cr_expect(digest_equal(old.tree, new.tree), "%s: another tree", name);
    cr_expect_eq(old.fs_size, new.fs_size);
    cr_expect_eq(old.disk_size, new.disk_size);
    fprintf(stderr, "%s, again: ", name);
    second = pack(disk, unit_size);
    /* What was kept for trees that might grow. */
    cr_expect_leq(count_blocks(&second.emptied), unit_size / first.plan.old.block_size);
    wrong = image_examine(judge, image, &new);
    cr_expect(!wrong && digest_equal(old.tree, new.tree), "%s, again: %s", name, wrong);
    resize_packing_free(&second);
    judge_free(judge);
    return first;
}

struct layout {
    const char *name, *mkfs_options, *contents;
    uint64_t fs_size, unit_size;
    bool is_vhdx;
    uint64_t units; /* that have to become empty, at least */
    size_t nodes;   /* that trees have to get, at least */
    size_t xattrs;
};

static void pack_layout(const struct layout *layout)
{
    const struct resize_scenario scenario = {.name = layout->name,
                                             .mkfs_options = layout->mkfs_options,
                                             .contents = layout->contents,
                                             .fs_size = layout->fs_size,
                                             .is_vhdx = layout->is_vhdx};
    struct file *image = resize_scenario_image(&scenario, &error);
    struct resize_packing packing;
    uint64_t unit_blocks;

    cr_assert_not_null(image, "%s", error.message);
    packing = pack_image(layout->name, image, layout->unit_size);
    unit_blocks = layout->unit_size / packing.plan.old.block_size;
    cr_expect_geq(count_blocks(&packing.emptied) / unit_blocks, layout->units, "%s", layout->name);
    cr_expect_gt(packing.plan.relocation.move_count, 0, "%s: nothing moved", layout->name);
    cr_expect_geq(packing.plan.relocation.node_count, layout->nodes, "%s", layout->name);
    cr_expect_geq(packing.plan.relocation.xattr_inodes.count, layout->xattrs, "%s", layout->name);
    resize_packing_free(&packing);
    file_close(image);
}

Test(resize_pack, block_sizes, .timeout = 300)
{
    pack_layout(&(struct layout){.name = "1k",
                                 .mkfs_options = "-b 1024 -N 2048",
                                 .contents = "1200 60000 0.2 shared-attributes",
                                 .fs_size = 48 * MIB,
                                 .unit_size = 1 * MIB,
                                 .is_vhdx = true,
                                 .units = 10,
                                 .xattrs = 3});
    pack_layout(&(struct layout){.name = "4k",
                                 .mkfs_options = "-b 4096 -N 2048",
                                 .contents = "1200 60000 0.2",
                                 .fs_size = 48 * MIB,
                                 .unit_size = 1 * MIB,
                                 .is_vhdx = true,
                                 .units = 10});
    pack_layout(&(struct layout){.name = "an odd end",
                                 .mkfs_options = "-b 4096 -N 2048 -O ^resize_inode",
                                 .contents = "900 60000 0.2",
                                 .fs_size = 40 * MIB + 300 * KIB,
                                 .unit_size = 1 * MIB,
                                 .units = 5});
}

Test(resize_pack, large_units, .timeout = 300)
{
    pack_layout(&(struct layout){.name = "32 MiB",
                                 .mkfs_options = "-b 4096 -N 4096 -g 8192",
                                 .contents = "600 600000 0.1",
                                 .fs_size = 320 * MIB,
                                 .unit_size = 32 * MIB,
                                 .is_vhdx = true,
                                 .units = 1});
}

Test(resize_pack, bigalloc, .timeout = 300)
{
    pack_layout(&(struct layout){.name = "bigalloc",
                                 .mkfs_options = "-b 1024 -N 1024 -O bigalloc -C 4096",
                                 .contents = "900 60000 0.2",
                                 .fs_size = 40 * MIB,
                                 .unit_size = 1 * MIB,
                                 .is_vhdx = true,
                                 .units = 5});
    pack_layout(
        &(struct layout){.name = "bigalloc, 64k",
                         .mkfs_options = "-b 4096 -N 1024 -O bigalloc,^has_journal -C 65536",
                         .contents = "500 90000 0.2",
                         .fs_size = 64 * MIB - 20 * KIB,
                         .unit_size = 1 * MIB,
                         .units = 5});
}

Test(resize_pack, pointers, .timeout = 300)
{
    pack_layout(&(struct layout){
        .name = "ext2",
        .mkfs_options = "-b 1024 -N 2048 -O ^extent,^64bit,^has_journal,^metadata_csum,^flex_bg,"
                        "^uninit_bg,^dir_nlink,^extra_isize,^huge_file -I 128",
        .contents = "1200 60000 0.4",
        .fs_size = 40 * MIB,
        .unit_size = 1 * MIB,
        .is_vhdx = true,
        .units = 2});
    pack_layout(&(struct layout){.name = "ext3",
                                 .mkfs_options = "-b 4096 -N 2048 -O ^extent,^64bit,^metadata_csum",
                                 .contents = "1200 50000 0.3",
                                 .fs_size = 40 * MIB,
                                 .unit_size = 1 * MIB,
                                 .units = 5});
}

Test(resize_pack, deep_trees, .timeout = 300)
{
    pack_layout(&(struct layout){.name = "deep trees",
                                 .mkfs_options = "-b 1024 -N 8192 -O quota",
                                 .contents = "6000 5000 0.8 fragmented-end",
                                 .fs_size = 32 * MIB,
                                 .unit_size = 1 * MIB,
                                 .is_vhdx = true,
                                 .units = 2});
    pack_layout(&(struct layout){.name = "trees that grow",
                                 .mkfs_options = "-b 1024 -N 8192 -O ^has_journal",
                                 .contents = "4000 9000 0 tiny-holes",
                                 .fs_size = 24 * MIB,
                                 .unit_size = 64 * KIB,
                                 .units = 20,
                                 .nodes = 50});
}

Test(resize_pack, features, .timeout = 300)
{
    pack_layout(&(struct layout){.name = "orphan file, late journal",
                                 .mkfs_options = "-b 1024 -N 1024 -O ^has_journal",
                                 .contents = "700 50000 0 late-journal late-orphans",
                                 .fs_size = 24 * MIB,
                                 .unit_size = 1 * MIB,
                                 .is_vhdx = true,
                                 .units = 3});
    pack_layout(&(struct layout){.name = "meta_bg",
                                 .mkfs_options = "-b 1024 -g 1024 -N 2048 -O meta_bg,^resize_inode,"
                                                 "sparse_super2,mmp",
                                 .contents = "900 30000 0.2",
                                 .fs_size = 24 * MIB,
                                 .unit_size = 256 * KIB,
                                 .units = 5});
}

Test(resize_pack, attributes_in_inodes, .timeout = 300)
{
    pack_layout(&(struct layout){.name = "attributes in inodes",
                                 .mkfs_options = "-b 1024 -N 2048 -O ea_inode,^has_journal",
                                 .contents = "700 50000 0.1 value-inodes shared-attributes",
                                 .fs_size = 32 * MIB,
                                 .unit_size = 1 * MIB,
                                 .is_vhdx = true,
                                 .units = 3,
                                 .xattrs = 3});
}

/* What was never written lies where nothing is stored, and stays there. */
Test(resize_pack, preallocated, .timeout = 300)
{
    pack_layout(&(struct layout){.name = "preallocated",
                                 .mkfs_options = "-b 1024 -N 1024 -O ^has_journal",
                                 .contents = "600 50000 0.1 preallocated",
                                 .fs_size = 32 * MIB,
                                 .unit_size = 1 * MIB,
                                 .is_vhdx = true,
                                 .units = 2});
}
