/* Damaged descriptors and bitmaps: the walk ends, its ranges are in order and inside of the
 * filesystem, and no table that could hold an inode is among them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "ext4/descriptors.h"
#include "ext4/inode-table.h"
#include "ext4/unused.h"
#include "tests/support/host.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/memory-disk.h"
#include "tests/support/must.h"
#include "tests/support/random.h"

#define MUTANTS 3000 /* of each layout */

static struct error error;

struct found {
    const struct ext4_geometry *geometry;
    uint8_t *blocks; /* 0: used */
    uint64_t end;    /* bytes: of the last range */
};

static int note(enum disk_unused_kind kind, uint64_t offset, uint64_t size, void *context,
                struct error *ret_error)
{
    struct found *found = context;
    uint64_t block_size = found->geometry->block_size;

    (void)ret_error;
    cr_assert(size > 0 && offset >= found->end && offset % block_size == 0 &&
              size % block_size == 0);
    cr_assert(range_fits(offset, size, found->geometry->blocks * block_size));
    memset(found->blocks + offset / block_size, 1 + (int)kind, size / block_size);
    found->end = offset + size;
    return 0;
}

/* The inodes that a bitmap has as used lie in blocks that are used. */
static void expect_table_kept(struct ext4 *ext4, uint32_t group, const struct found *found,
                              uint64_t mutant)
{
    const struct ext4_geometry *geometry = &ext4->geometry;
    uint64_t block_size = geometry->block_size, table = ext2fs_inode_table_loc(ext4->fs, group);
    uint8_t *bitmap = must_allocate(block_size);

    cr_assert_eq(found->blocks[ext2fs_block_bitmap_loc(ext4->fs, group)], 0);
    cr_assert_eq(found->blocks[ext2fs_inode_bitmap_loc(ext4->fs, group)], 0);
    cr_assert_eq(ext4_inode_bitmap_read(ext4, group, bitmap, &error), 0);
    for (uint32_t i = 0; i < geometry->group_inodes; i++) {
        uint64_t block = table + i * (uint64_t)EXT2_INODE_SIZE(ext4->fs->super) / block_size;

        cr_assert(!ext4_bit(bitmap, i) || found->blocks[block] == 0,
                  "mutant %llu, group %u: inode %u in block %llu", (unsigned long long)mutant,
                  group, i, (unsigned long long)block);
        cr_assert(found->blocks[block] != 1 + DISK_UNUSED_FREE);
    }
    free(bitmap);
}

/* Returns whether the walk came to its end. */
static bool judge(struct ext4 *ext4, uint64_t mutant)
{
    struct found found = {.geometry = &ext4->geometry,
                          .blocks = must_allocate(ext4->geometry.blocks)};
    bool ends = ext4_unused_each(ext4, note, &found, &error) == 0;

    cr_assert(ends || error.kind == ERROR_CORRUPT, "%s", error.message);
    for (uint32_t group = 0; ends && group < ext4->geometry.groups; group++)
        expect_table_kept(ext4, group, &found, mutant);
    free(found.blocks);
    return ends;
}

/* Some bytes of a group's descriptor, or of one of its bitmaps; the disk can take these back. */
static void damage(struct ext4 *ext4, struct disk *disk, uint64_t *random)
{
    uint32_t group = (uint32_t)random_below(random, ext4->geometry.groups);
    uint64_t kind = random_below(random, 4), offset;
    uint8_t *descriptor = (uint8_t *)ext2fs_group_desc(ext4->fs, ext4->fs->group_desc, group);
    size_t size = 1 + (size_t)random_below(random, 8);
    uint8_t new[8];

    for (size_t i = 0; i < sizeof new; i++)
        new[i] = random_below(random, 2) ? 0 : (uint8_t)random_next(random);
    if (kind < 2) {
        memcpy(descriptor + random_below(random, 32 - size + 1), new, size);
        return;
    }
    offset = (kind == 2 ? ext2fs_block_bitmap_loc : ext2fs_inode_bitmap_loc)(ext4->fs, group) *
                 ext4->geometry.block_size +
             random_below(random, ext4->geometry.group_inodes / 8);
    if (range_fits(offset, size, disk->size))
        cr_assert_eq(disk_write(disk, offset, new, size, &error), 0);
}

/* Its checksums are right, whatever is in it: a hostile maker has no other trouble. */
static bool is_taken(struct ext4 *ext4)
{
    for (uint32_t group = 0; group < ext4->geometry.groups; group++)
        ext2fs_group_desc_csum_set(ext4->fs, group);
    return ext4_descriptors_check(&ext4->geometry, ext4->fs, &error) == 0;
}

static const char *const layouts[] = {
    "-b 1024 -O ^metadata_csum,uninit_bg -N 4000",
    "-b 1024 -O ^metadata_csum,uninit_bg,^flex_bg -g 2048 -N 4000",
    "-b 1024 -O ^metadata_csum,^uninit_bg -N 4000",
    "-b 1024 -O ^metadata_csum,uninit_bg,bigalloc -C 4096 -g 8192",
};

static void try_mutants(const char *options)
{
    char *path = make_filesystem(options, 24 * MIB, 1, &error);
    uint64_t random = 1, good = 0;
    struct disk *disk;

    cr_assert_not_null(path, "%s: %s", options, error.message);
    cr_assert_eq(memory_disk_open(path, &disk, &error), 0, "%s", error.message);
    for (uint64_t mutant = 0; mutant < MUTANTS; mutant++) {
        struct ext4 ext4;

        cr_assert_eq(disk_begin(disk, &error), 0);
        cr_assert_eq(ext4_open_checked(disk, false, &ext4, &error), 0, "%s", error.message);
        for (uint64_t i = 0; i <= random_below(&random, 3); i++)
            damage(&ext4, disk, &random);
        if (is_taken(&ext4))
            good += judge(&ext4, mutant);
        ext4_release(&ext4);
        disk_abort(disk);
    }
    cr_expect_gt(good, MUTANTS / 10, "%s", options);
    disk_close(disk);
    filesystem_remove(path);
}

Test(ext4_unused_hostile, no_table_is_given_up)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        try_mutants(layouts[i]);
}
