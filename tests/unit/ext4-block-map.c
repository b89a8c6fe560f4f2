/* Block maps, read and written, against libext2fs's own iteration and e2fsck. */
#include <criterion/criterion.h>
#include <ext2fs/ext2fs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "ext4/block-map.h"
#include "tests/support/host.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/must.h"
#include "tests/support/plain-disk.h"
#include "tests/support/random.h"

static struct error error;

struct opened {
    struct disk *disk;
    struct ext4 ext4;
};

static void open_fs(struct opened *opened, const char *path)
{
    cr_assert_eq(plain_disk_open(path, &opened->disk, &error), 0, "%s", error.message);
    cr_assert_eq(ext4_open_checked(opened->disk, false, &opened->ext4, &error), 0, "%s",
                 error.message);
}

static void close_fs(struct opened *opened)
{
    ext4_release(&opened->ext4);
    disk_close(opened->disk);
}

static void run(const char *const arguments[])
{
    char *output;
    int status;

    cr_assert_eq(host_run(arguments, &status, &output, &error), 0, "%s", error.message);
    cr_assert_eq(status, 0, "%s: %s", arguments[0], output);
    free(output);
}

static void expect_clean(const char *path, const char *what)
{
    char *output;
    int status;

    cr_assert_eq(host_run((const char *[]){"e2fsck", "-fn", path, NULL}, &status, &output, &error),
                 0);
    cr_assert(status == 0 && !strstr(output, "? no"), "%s: %s", what, output);
    free(output);
}

/* What libext2fs meets is taken off the map, from the front. */
struct comparison {
    const struct ext4_block_map *map;
    size_t mapping, nodes;
    uint64_t offset; /* in the mapping */
    bool differs;
};

static int compare_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t logical, blk64_t parent,
                         int offset, void *context)
{
    struct comparison *at = context;
    const struct ext4_mapping *mapping = &at->map->mappings[at->mapping];

    (void)fs;
    (void)parent;
    (void)offset;
    if (logical < 0) {
        at->differs |= at->nodes >= at->map->node_count || at->map->nodes[at->nodes] != *block;
        at->nodes++;
        return 0;
    }
    if (at->mapping >= at->map->count || mapping->logical + at->offset != (uint64_t)logical ||
        mapping->start + at->offset != *block) {
        at->differs = true;
        return BLOCK_ABORT;
    }
    if (++at->offset == mapping->count) {
        at->mapping++;
        at->offset = 0;
    }
    return 0;
}

/* Data and nodes, both in libext2fs's order. */
static void expect_as_library(ext2_filsys fs, uint32_t number, const struct ext4_block_map *map,
                              const char *what)
{
    struct comparison at = {.map = map};

    cr_assert_eq(ext2fs_block_iterate3(fs, number, BLOCK_FLAG_READ_ONLY, NULL, compare_block, &at),
                 0);
    cr_expect(!at.differs && at.mapping == map->count && at.nodes == map->node_count,
              "%s: inode %u: mapping %zu of %zu, node %zu of %zu", what, number, at.mapping,
              map->count, at.nodes, map->node_count);
}

static uint32_t compare_all(const char *path, const char *what)
{
    struct opened opened;
    struct ext4_block_map map = {0};
    struct ext2_inode_large *inode;
    ext2_inode_scan scan;
    uint32_t number, compared = 0;
    int size;

    open_fs(&opened, path);
    size = EXT2_INODE_SIZE(opened.ext4.fs->super);
    inode = must_allocate((size_t)size + sizeof *inode);
    cr_assert_eq(ext2fs_open_inode_scan(opened.ext4.fs, 0, &scan), 0);
    while (ext2fs_get_next_inode_full(scan, &number, (struct ext2_inode *)inode, size) == 0 &&
           number != 0) {
        if (inode->i_links_count == 0 || number == EXT2_RESIZE_INO ||
            !ext4_inode_maps_blocks(opened.ext4.fs, inode))
            continue;
        cr_assert_eq(ext4_block_map_read(&opened.ext4, number, inode, &map, &error), 0, "%s: %s",
                     what, error.message);
        expect_as_library(opened.ext4.fs, number, &map, what);
        compared++;
    }
    ext2fs_close_inode_scan(scan);
    ext4_block_map_free(&map);
    free(inode);
    close_fs(&opened);
    return compared;
}

static const char *const layouts[] = {
    "-b 1024",
    "-b 4096",
    "-b 2048 -O ^metadata_csum",
    "-b 1024 -O ^extents,^64bit",
    "-b 4096 -I 128 -O ^extents,^64bit,^metadata_csum",
    "-b 1024 -O bigalloc -C 8192",
    "-b 4096 -O inline_data",
    "-b 1024 -O ea_inode",
};

Test(ext4_block_map, files_are_mapped_as_libext2fs_maps_them)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        char *path = make_filesystem(layouts[i], 64 * MIB, 2, &error);

        cr_assert_not_null(path, "%s: %s", layouts[i], error.message);
        cr_expect_gt(compare_all(path, layouts[i]), 20, "%s", layouts[i]);
        filesystem_remove(path);
    }
}

/* The kernel's own trees: thousands of extents, unwritten ones, holes made later. */
Test(ext4_block_map, files_of_the_kernel_are_mapped_as_libext2fs_maps_them)
{
    static const char script[] =
        "set -e; folder=$(mktemp -d); mount -o loop \"$0\" $folder || { rmdir $folder; exit 32; }; "
        "trap 'cd /; umount $folder; rmdir $folder' EXIT; cd $folder; "
        "for i in $(seq 0 3 2999); do dd if=/dev/zero of=holes bs=1k count=1 seek=$i conv=notrunc "
        "status=none; done; if fallocate -l 3M allocated; then fallocate -o 700k -l 1M -p "
        "allocated; "
        "dd if=/dev/urandom of=allocated bs=1k seek=100 count=3 conv=notrunc status=none; "
        "for i in 1 2 3 4 5 6 7; do fallocate -o ${i}0k -l 3k -p allocated; done; fi; sync";
    static const char *const options[] = {"-b 1024", "-b 1024 -O ^extents,^64bit",
                                          "-b 1024 -O bigalloc -C 8192"};

    if (geteuid() != 0)
        cr_skip_test("mounting takes root");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char *path = make_filesystem(options[i], 64 * MIB, 0, &error);

        cr_assert_not_null(path, "%s", error.message);
        run((const char *const[]){"sh", "-c", script, path, NULL});
        cr_expect_gt(compare_all(path, options[i]), 3);
        filesystem_remove(path);
    }
}

/* A random file: where its next blocks are to lie, on both sides. */
struct shape {
    const char *options;
    size_t mappings;
    uint64_t longest; /* blocks of a mapping */
    uint64_t hole;    /* blocks between two, at most */
    uint64_t first;   /* block of the file */
};

struct making {
    struct opened opened;
    uint64_t random;
    uint64_t cursor; /* blocks of the filesystem before it are not asked for */
    uint64_t clusters;
};

/* Takes count blocks in a row, the first of them offset blocks into its cluster. */
static uint64_t take(struct making *making, uint64_t offset, uint64_t count)
{
    ext2_filsys fs = making->opened.ext4.fs;
    uint64_t ratio = making->opened.ext4.geometry.cluster_blocks;
    uint64_t clusters = divide_up(offset + count, ratio), start = making->cursor;

    for (uint64_t i = 0; i < clusters * ratio;) {
        cr_assert_lt(start + i, ext2fs_blocks_count(fs->super), "the filesystem is full");
        if (!ext2fs_test_block_bitmap2(fs->block_map, start + i)) {
            i += ratio;
            continue;
        }
        start += i + ratio;
        i = 0;
    }
    for (uint64_t i = 0; i < clusters; i++)
        ext2fs_block_alloc_stats2(fs, start + i * ratio, 1);
    making->clusters += clusters;
    making->cursor = start + (clusters + random_below(&making->random, 3)) * ratio;
    return start + offset;
}

static void add(struct ext4_block_map *map, struct ext4_mapping mapping)
{
    cr_assert_eq(ext4_block_map_append(map, mapping, &error), 0, "%s", error.message);
}

/* Clusters of the file that end with a mapping sometimes get a second one. */
static void make_map(struct making *making, const struct shape *shape, struct ext4_block_map *map)
{
    uint64_t ratio = making->opened.ext4.geometry.cluster_blocks, logical = shape->first;
    uint64_t *random = &making->random;

    for (size_t i = 0; i < shape->mappings; i++) {
        struct ext4_mapping mapping = {
            .logical = logical,
            .count = 1 + random_below(random, shape->longest),
            .unwritten = map->has_extents && i % 3 == 1,
        };
        uint64_t end = mapping.logical + mapping.count;

        mapping.start = take(making, logical % ratio, mapping.count);
        add(map, mapping);
        if (end % ratio != 0 && random_below(random, 2)) {
            uint64_t skip = random_below(random, ratio - end % ratio);

            add(map,
                (struct ext4_mapping){end + skip, mapping.start + mapping.count + skip,
                                      ratio - (end + skip) % ratio, map->has_extents && skip == 0});
        }
        logical = round_up(end, ratio) + random_below(random, shape->hole + 1);
    }
}

static void finish_inode(struct making *making, uint32_t number, struct ext2_inode_large *inode,
                         const struct ext4_block_map *map)
{
    ext2_filsys fs = making->opened.ext4.fs;
    uint64_t ratio = making->opened.ext4.geometry.cluster_blocks;
    const struct ext4_mapping *last = map->count ? &map->mappings[map->count - 1] : NULL;
    uint64_t size = last ? (last->logical + last->count) * fs->blocksize : 0;
    errcode_t code;

    inode->i_size = (uint32_t)size;
    inode->i_size_high = (uint32_t)(size >> 32);
    inode->i_blocks = (uint32_t)(making->clusters * ratio * (fs->blocksize / 512));
    code = ext2fs_write_inode_full(fs, number, (struct ext2_inode *)inode, sizeof *inode);
    cr_assert_eq(code, 0, "%s", error_message(code));
    cr_assert_eq(ext2fs_write_bitmaps(fs), 0);
    cr_assert_eq(ext2fs_flush(fs), 0);
}

static bool maps_equal(const struct ext4_block_map *a, const struct ext4_block_map *b)
{
    bool equal = a->count == b->count;

    for (size_t i = 0; equal && i < a->count; i++)
        equal = a->mappings[i].logical == b->mappings[i].logical &&
                a->mappings[i].start == b->mappings[i].start &&
                a->mappings[i].count == b->mappings[i].count &&
                a->mappings[i].unwritten == b->mappings[i].unwritten;
    return equal;
}

/* Writes a random map into an empty file. Returns it, read anew. */
static struct ext4_block_map write_file(const char *path, const char *name,
                                        const struct shape *shape, uint64_t seed)
{
    struct making making = {.random = seed, .cursor = 0};
    struct ext4_block_map map = {0}, again = {0};
    struct ext4 *ext4 = &making.opened.ext4;
    struct ext2_inode_large inode;
    ext2_ino_t number;
    size_t needed;

    open_fs(&making.opened, path);
    cr_assert_eq(disk_begin(making.opened.disk, &error), 0);
    cr_assert_eq(ext2fs_read_bitmaps(ext4->fs), 0);
    cr_assert_eq(ext2fs_namei(ext4->fs, EXT2_ROOT_INO, EXT2_ROOT_INO, name, &number), 0);
    cr_assert_eq(
        ext2fs_read_inode_full(ext4->fs, number, (struct ext2_inode *)&inode, sizeof inode), 0);
    making.cursor = ext4->geometry.cluster_blocks;
    map.has_extents = inode.i_flags & EXT4_EXTENTS_FL;
    make_map(&making, shape, &map);
    needed = ext4_block_map_nodes_needed(ext4, &map);
    map.nodes = must_allocate((needed + 1) * sizeof *map.nodes);
    map.node_count = needed + 1; /* one more than it takes */
    map.node_capacity = needed + 1;
    for (size_t i = 0; i < needed; i++)
        map.nodes[i] = take(&making, 0, 1);
    cr_assert_eq(ext4_block_map_write(ext4, number, &inode, &map, &error), 0, "%s", error.message);
    cr_expect_eq(map.node_count, needed);
    finish_inode(&making, number, &inode, &map);
    cr_assert_eq(ext4_block_map_read(ext4, number, &inode, &again, &error), 0, "%s: %s",
                 shape->options, error.message);
    expect_as_library(ext4->fs, number, &again, shape->options);
    cr_expect_eq(again.node_count, map.node_count);
    if (again.node_count == needed && needed > 0)
        cr_expect_arr_eq(again.nodes, map.nodes, needed * sizeof *map.nodes);
    cr_expect(maps_equal(&again, &map), "%s", shape->options);
    ext4_block_map_free(&map);
    cr_assert_eq(disk_commit(making.opened.disk, &error), 0);
    close_fs(&making.opened);
    return again;
}

static const struct shape shapes[] = {
    {"-b 1024", 0, 1, 0, 0},
    {"-b 1024", 1, 1, 0, 0},
    {"-b 1024", 4, 3, 2, 0},
    {"-b 1024", 5, 3, 2, 7},
    {"-b 1024", 340, 3, 9, 0},
    {"-b 1024", 5000, 4, 100, 0},
    {"-b 1024 -O ^metadata_csum", 29000, 2, 140000, 3},
    {"-b 1024 -O ^64bit", 3, 70000, 0, 0xff000000},
    {"-b 2048", 1000, 9, 9, 0},
    {"-b 4096", 1361, 5, 3000000, 0},
    {"-b 4096", 10, 10, 0, 0xffffff00},
    {"-b 4096", 3, 40000, 5, 0},
    {"-b 65536", 300, 1, 5, 0},
    {"-b 1024 -O bigalloc -C 8192", 700, 30, 50, 0},
    {"-b 4096 -O bigalloc -C 65536", 300, 40, 50, 5},
    {"-b 1024 -O bigalloc -C 4096", 2, 80000, 50, 1},
    {"-b 1024 -O ^extents,^64bit", 0, 1, 0, 0},
    {"-b 1024 -O ^extents,^64bit", 12, 1, 1, 0},
    {"-b 1024 -O ^extents,^64bit", 5, 3, 1, 11},
    {"-b 1024 -O ^extents,^64bit", 3, 2, 1, 266},
    {"-b 1024 -O ^extents,^64bit", 3, 2, 1, 65803},
    {"-b 1024 -O ^extents,^64bit", 4, 70000, 5, 0},
    {"-b 1024 -O ^extents,^64bit", 500, 5, 60000, 100},
    {"-b 2048 -O ^extents,^64bit", 300, 40, 400000, 0},
    {"-b 4096 -O ^extents,^64bit", 500, 40, 1000000, 0},
    {"-b 4096 -O ^extents,^64bit", 3, 3, 0, 1074791435 - 6},
};

Test(ext4_block_map, what_is_written_e2fsck_finds_nothing_in)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char options[128], what[160];
        struct ext4_block_map map;
        char *path;

        snprintf(options, sizeof options, "%s -O ^has_journal -E lazy_itable_init=1 -N 64",
                 shapes[i].options);
        snprintf(what, sizeof what, "%s: %zu mappings", shapes[i].options, shapes[i].mappings);
        path = make_filesystem(options, 700 * MIB, 0, &error);
        cr_assert_not_null(path, "%s: %s", options, error.message);
        run((const char *const[]){"debugfs", "-w", "-R", "write /dev/null file", path, NULL});
        map = write_file(path, "file", &shapes[i], i + 1);
        expect_clean(path, what);
        ext4_block_map_free(&map);
        filesystem_remove(path);
    }
}
