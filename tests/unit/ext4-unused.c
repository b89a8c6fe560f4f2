/* What a filesystem doesn't use: dumpe2fs and libext2fs name the same blocks, and a filesystem in
 * which all of them were overwritten is the same. */
#include <criterion/criterion.h>
#include <ext2fs/ext2fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "ext4/unused.h"
#include "tests/support/host.h"
#include "tests/support/judge.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/must.h"
#include "tests/support/plain-disk.h"
#include "tests/support/random.h"

static struct error error;

static const struct layout {
    const char *options;
    uint64_t size;
} layouts[] = {
    {"-b 1024", 64 * MIB},
    {"-b 2048", 300 * MIB},
    {"-b 4096", 300 * MIB},
    {"-b 4096 -G 4096 -N 200000", 400 * MIB},
    {"-b 1024 -O ^flex_bg", 100 * MIB},
    {"-b 4096 -O ^flex_bg -g 2048", 100 * MIB},
    {"-b 1024 -O ^metadata_csum,uninit_bg", 100 * MIB},
    {"-b 1024 -O ^metadata_csum,uninit_bg,^flex_bg", 100 * MIB},
    {"-b 1024 -O ^metadata_csum,^uninit_bg", 64 * MIB},
    {"-b 1024 -I 128 -O ^extents,^64bit,^metadata_csum,^flex_bg,^uninit_bg,^has_journal", 64 * MIB},
    {"-b 1024 -O bigalloc -C 8192", 300 * MIB},
    {"-b 1024 -O bigalloc -C 2048 -N 3000", 100 * MIB},
    {"-b 4096 -O bigalloc -C 65536", 400 * MIB},
    {"-b 4096 -O bigalloc,^flex_bg -C 16384 -g 32768", 400 * MIB},
    {"-b 1024 -O meta_bg,^resize_inode -g 1024", 60 * MIB},
    {"-b 1024 -O sparse_super2", 100 * MIB},
    {"-b 4096 -I 1024 -N 5000", 300 * MIB},
    {"-b 1024 -N 7777", 100 * MIB},
    {"-b 65536", 600 * MIB},
    {"-b 1024 -O mmp", 64 * MIB},
    {"-b 1024", 64 * MIB + 70 * KIB}, /* a last group of little more than nothing */
};
#define LAYOUTS (sizeof layouts / sizeof *layouts)

/* What each block is used for: what was found, or is expected. */
enum { USED, FREE, BLANK };

struct found {
    uint8_t *blocks;
    uint64_t block_size, count, end; /* bytes; blocks; bytes: of the last range */
    uint64_t free_ranges;
};

static int note(enum disk_unused_kind kind, uint64_t offset, uint64_t size, void *context,
                struct error *ret_error)
{
    struct found *found = context;

    (void)ret_error;
    cr_assert(kind == DISK_UNUSED_FREE || kind == DISK_UNUSED_BLANK);
    cr_assert(size > 0 && offset % found->block_size == 0 && size % found->block_size == 0);
    cr_assert(offset >= found->end && range_fits(offset, size, found->count * found->block_size));
    memset(found->blocks + offset / found->block_size, kind == DISK_UNUSED_FREE ? FREE : BLANK,
           size / found->block_size);
    found->end = offset + size;
    found->free_ranges += kind == DISK_UNUSED_FREE;
    return 0;
}

static struct found find(struct disk *disk)
{
    struct found found = {0};
    struct ext4 ext4;

    cr_assert_eq(ext4_open_checked(disk, false, &ext4, &error), 0, "%s", error.message);
    found.block_size = ext4.geometry.block_size;
    found.count = ext4.geometry.blocks;
    found.blocks = must_allocate(found.count);
    cr_assert_eq(ext4_unused_each(&ext4, note, &found, &error), 0, "%s", error.message);
    ext4_release(&ext4);
    return found;
}

static char *run(const char *const arguments[])
{
    char *output;
    int status;

    cr_assert_eq(host_run(arguments, &status, &output, &error), 0, "%s", error.message);
    cr_assert_eq(status, 0, "%s %s: %s", arguments[0], arguments[1], output);
    return output;
}

/* "12-20, 33, ...": with bigalloc, both are the first blocks of clusters. */
static uint64_t mark_list(const char *list, uint64_t cluster_blocks, struct found *expected)
{
    uint64_t ranges = 0;

    while (*list >= '0' && *list <= '9') {
        char *rest;
        uint64_t first = strtoull(list, &rest, 10), last = first;

        if (*rest == '-')
            last = strtoull(rest + 1, &rest, 10);
        cr_assert_lt(last, expected->count);
        memset(expected->blocks + first, FREE, last - first + cluster_blocks);
        ranges++;
        list = rest + strspn(rest, ", ");
    }
    return ranges;
}

static void mark_free(const char *path, uint64_t cluster_blocks, struct found *expected)
{
    char *output = run((const char *const[]){"dumpe2fs", path, NULL});
    const char label[] = "\n  Free blocks: ";

    for (const char *line = output; (line = strstr(line, label)); line++)
        expected->free_ranges += mark_list(line + strlen(label), cluster_blocks, expected);
    free(output);
}

/* Blocks of tables in which no inode is in use, by libext2fs's bitmap, and none was ever. */
static void mark_blank(ext2_filsys fs, struct found *expected)
{
    uint32_t per_block = fs->blocksize / (uint32_t)EXT2_INODE_SIZE(fs->super);
    uint32_t all = fs->super->s_inodes_per_group;

    if (!ext2fs_has_group_desc_csum(fs))
        return;
    cr_assert_eq(ext2fs_read_inode_bitmap(fs), 0);
    for (uint32_t group = 0; group < fs->group_desc_count; group++)
        for (uint32_t block = 0; block < fs->inode_blocks_per_group; block++) {
            bool blank = true;

            for (uint32_t i = block * per_block; i < (block + 1) * per_block && i < all; i++)
                blank &= i >= all - ext2fs_bg_itable_unused(fs, group) &&
                         !ext2fs_test_inode_bitmap2(fs->inode_map, group * all + i + 1);
            if (blank)
                expected->blocks[ext2fs_inode_table_loc(fs, group) + block] = BLANK;
        }
}

static int mark_journal_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t logical,
                              blk64_t reference, int offset, void *context)
{
    struct found *expected = context;

    (void)fs;
    (void)reference;
    (void)offset;
    if (logical > 0)
        expected->blocks[*block] = BLANK;
    return 0;
}

/* All of the empty journal but its superblock; not the blocks of its tree, whose count is below 0.
 */
static void mark_journal(ext2_filsys fs, struct found *expected)
{
    if (ext2fs_has_feature_journal(fs->super))
        cr_assert_eq(ext2fs_block_iterate3(fs, EXT2_JOURNAL_INO, BLOCK_FLAG_READ_ONLY, NULL,
                                           mark_journal_block, expected),
                     0);
}

static struct found expect(const char *path)
{
    struct found expected = {0};
    ext2_filsys fs;

    cr_assert_eq(ext2fs_open(path, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs), 0);
    expected.block_size = fs->blocksize;
    expected.count = ext2fs_blocks_count(fs->super);
    expected.blocks = must_allocate(expected.count);
    mark_free(path, (uint64_t)EXT2FS_CLUSTER_RATIO(fs), &expected);
    mark_blank(fs, &expected);
    mark_journal(fs, &expected);
    ext2fs_close_free(&fs);
    return expected;
}

/* Two trees, of which every third file goes again: holes among blocks and among inodes. */
static char *make_used(const struct layout *layout)
{
    char *path = make_filesystem(layout->options, layout->size, 2, &error);
    char *script = host_temporary_file(NULL, &error);
    FILE *file = fopen(script, "w");

    cr_assert_not_null(path, "%s: %s", layout->options, error.message);
    for (int i = 0; i < 200; i += 3)
        fprintf(file, "rm /tree%d/many/entry-with-a-longish-name-%03d\n", i % 2, i);
    fprintf(file, "rm /tree0/file6\nrm /tree1/file5\n");
    fclose(file);
    free(run((const char *const[]){"debugfs", "-w", "-f", script, path, NULL}));
    filesystem_remove(script);
    return path;
}

static struct disk *open_disk(const char *path)
{
    struct disk *disk;

    cr_assert_eq(plain_disk_open(path, &disk, &error), 0, "%s", error.message);
    return disk;
}

Test(ext4_unused, the_same_as_dumpe2fs_says)
{
    for (size_t i = 0; i < LAYOUTS; i++) {
        char *path = make_used(&layouts[i]);
        struct disk *disk = open_disk(path);
        struct found found = find(disk), expected = expect(path);

        cr_assert_eq(found.count, expected.count);
        for (uint64_t block = 0; block < found.count; block++)
            cr_assert_eq(found.blocks[block], expected.blocks[block],
                         "%s: block %llu is %d, not %d", layouts[i].options,
                         (unsigned long long)block, found.blocks[block], expected.blocks[block]);
        /* What goes on in the next group is one range. */
        cr_expect_leq(found.free_ranges, expected.free_ranges, "%s", layouts[i].options);
        free(found.blocks);
        free(expected.blocks);
        disk_close(disk);
        filesystem_remove(path);
    }
}

/* Garbage in what is free, zeros in what is blank; returns how many blocks of each. */
static void overwrite(struct disk *disk, const struct found *found, uint64_t counts[3])
{
    uint64_t *words = must_allocate(found->block_size), state = 1;

    for (uint64_t block = 0; block < found->count; block++) {
        counts[found->blocks[block]]++;
        if (found->blocks[block] == USED)
            continue;
        for (size_t i = 0; i < found->block_size / sizeof *words; i++)
            words[i] = found->blocks[block] == FREE ? random_next(&state) : 0;
        cr_assert_eq(disk_write(disk, block * found->block_size, words, found->block_size, &error),
                     0);
    }
    free(words);
}

/* The kernel uses what was free, and inodes that never were. */
static const char use_it[] =
    "set -e; folder=$(mktemp -d); mount -o loop \"$0\" $folder || { rmdir $folder; exit 32; }; "
    "trap 'umount $folder; rmdir $folder' EXIT; mkdir $folder/new; "
    "for i in $(seq 1500); do echo $i >$folder/new/$i; done; "
    "head -c 5M /dev/urandom >$folder/new/large";

static void expect_whole(struct judge *judge, struct disk *disk, const char *what)
{
    const struct judgement *judgement;

    cr_assert_eq(judge_filesystem(judge, disk, &judgement, &error), 0, "%s", error.message);
    cr_expect_eq(judgement->status, 0, "%s: %s", what, judgement->output);
}

static void let_kernel_use(const char *path, const char *what)
{
    char *output;
    int status;

    cr_assert_eq(
        host_run((const char *const[]){"sh", "-c", use_it, path, NULL}, &status, &output, &error),
        0);
    cr_expect(status == 0 || status == 32 || strstr(output, "No space left"), "%s: %s", what,
              output);
    free(output);
}

Test(ext4_unused, overwritten_nobody_misses_it, .timeout = 120)
{
    struct judge *judge = judge_new(&error);

    for (size_t i = 0; i < LAYOUTS; i++) {
        char *path = make_used(&layouts[i]);
        struct disk *disk = open_disk(path);
        struct found found = find(disk);
        struct digest before, after;
        uint64_t counts[3] = {0};

        cr_assert_eq(judge_tree(judge, disk, &before, &error), 0, "%s", error.message);
        cr_assert_eq(disk_begin(disk, &error), 0);
        overwrite(disk, &found, counts);
        cr_assert_eq(disk_commit(disk, &error), 0);
        cr_expect(counts[USED] > 0 && counts[FREE] > 0);
        expect_whole(judge, disk, layouts[i].options);
        cr_assert_eq(judge_tree(judge, disk, &after, &error), 0, "%s", error.message);
        cr_expect_eq(memcmp(&before, &after, sizeof before), 0, "%s", layouts[i].options);
        if (i % 4 == 0) {
            let_kernel_use(path, layouts[i].options);
            expect_whole(judge, disk, layouts[i].options);
        }
        free(found.blocks);
        disk_close(disk);
        filesystem_remove(path);
    }
    judge_free(judge);
}
