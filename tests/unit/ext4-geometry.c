/* The geometry, against what dumpe2fs says of real filesystems and resize2fs makes of them. */
#include <criterion/criterion.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "ext4/geometry.h"
#include "tests/support/host.h"
#include "tests/support/make-filesystem.h"

static struct error error;

static struct ext2_super_block read_super(const char *path)
{
    struct ext2_super_block super;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    cr_assert_eq(pread(fd, &super, sizeof super, SUPERBLOCK_OFFSET), (ssize_t)sizeof super);
    close(fd);
    return super;
}

static struct ext4_geometry read_geometry(const char *path)
{
    struct ext2_super_block super = read_super(path);
    struct ext4_geometry geometry;

    cr_assert_eq(ext4_geometry_read(&super, &geometry, &error), 0, "%s", error.message);
    return geometry;
}

static char *run(const char *const arguments[])
{
    char *output;
    int status;

    cr_assert_eq(host_run(arguments, &status, &output, &error), 0, "%s", error.message);
    cr_assert_eq(status, 0, "%s: %s", arguments[0], output);
    return output;
}

/* What dumpe2fs says of one group. */
struct said {
    unsigned group;
    unsigned long long first, last, super;
    unsigned long long descriptors, descriptors_end; /* 0: none */
    unsigned long long reserved, reserved_end;       /* 0: none */
    bool has_super;
};

static void read_range(const char *text, unsigned long long *ret_first, unsigned long long *ret_end)
{
    if (sscanf(text, "%llu-%llu", ret_first, ret_end) == 1)
        *ret_end = *ret_first;
    ++*ret_end;
}

/* Takes in one line; the next group's first line ends the description. */
static void take_line(struct said *said, const char *line)
{
    const char *found;

    if (sscanf(line, "  Primary superblock at %llu", &said->super) == 1 ||
        sscanf(line, "  Backup superblock at %llu", &said->super) == 1)
        said->has_super = true;
    if ((found = strstr(line, "roup descriptors at ")))
        read_range(found + strlen("roup descriptors at "), &said->descriptors,
                   &said->descriptors_end);
    if ((found = strstr(line, "roup descriptor at ")))
        read_range(found + strlen("roup descriptor at "), &said->descriptors,
                   &said->descriptors_end);
    if ((found = strstr(line, "Reserved GDT blocks at ")))
        read_range(found + strlen("Reserved GDT blocks at "), &said->reserved, &said->reserved_end);
}

static void compare(const struct ext4_geometry *geometry, const struct said *said, const char *name)
{
    struct ext4_run head = ext4_group_head(geometry, said->group);
    uint64_t descriptors = said->descriptors_end - said->descriptors;
    uint64_t end = max_u64(said->descriptors_end, said->reserved_end);

    cr_expect_eq(ext4_group_start(geometry, said->group), said->first, "%s: group %u", name,
                 said->group);
    cr_expect_eq(ext4_group_blocks(geometry, said->group), said->last + 1 - said->first,
                 "%s: length of group %u", name, said->group);
    cr_expect_eq(ext4_group_of(geometry, said->last), said->group, "%s", name);
    cr_expect_eq(ext4_group_has_super(geometry, said->group), said->has_super,
                 "%s: superblock in group %u", name, said->group);
    cr_expect_eq(ext4_group_descriptor_blocks(geometry, said->group), descriptors,
                 "%s: %u descriptor blocks in group %u, not %llu", name,
                 ext4_group_descriptor_blocks(geometry, said->group), said->group,
                 (unsigned long long)descriptors);
    if (said->has_super)
        end = max_u64(end, said->super + 1);
    cr_expect_eq(head.count, end ? end - said->first : 0, "%s: head of group %u", name,
                 said->group);
    if (descriptors && geometry->meta_bg && said->group >= geometry->first_meta_group) {
        uint32_t within = said->group % geometry->descriptors;

        cr_expect_eq(ext4_meta_descriptor_block(geometry, said->group / geometry->descriptors,
                                                within < 2 ? (int)within : 2),
                     said->descriptors, "%s: meta_bg descriptors of group %u", name, said->group);
    } else if (descriptors) {
        cr_expect_eq(ext4_flat_descriptors_start(geometry, said->group), said->descriptors,
                     "%s: descriptors of group %u", name, said->group);
    }
}

/* All groups of the filesystem, line by line. */
static void compare_with_dumpe2fs(const char *path, const char *name)
{
    struct ext4_geometry geometry = read_geometry(path);
    char *output = run((const char *[]){"dumpe2fs", path, NULL}), *rest = output, *line;
    struct said said = {0};
    unsigned groups = 0;

    while ((line = strsep(&rest, "\n"))) {
        struct said next = {0};

        if (sscanf(line, "Group %u: (Blocks %llu-%llu)", &next.group, &next.first, &next.last) ==
            3) {
            if (groups++)
                compare(&geometry, &said, name);
            said = next;
        } else if (groups) {
            take_line(&said, line);
        }
    }
    compare(&geometry, &said, name);
    cr_expect_eq(geometry.groups, groups, "%s: %u groups, not %u", name, geometry.groups, groups);
    free(output);
}

static const struct layout {
    const char *options;
    uint64_t size; /* bytes */
} layouts[] = {
    {"-b 4096", 600 * MIB},
    {"-b 1024", 300 * MIB},
    {"-b 1024 -g 256 -N 512 -O ^has_journal", 40 * MIB},
    {"-b 1024 -O ^sparse_super,^resize_inode", 100 * MIB},
    {"-b 1024 -O sparse_super2", 100 * MIB},
    {"-b 1024 -O sparse_super2 -E num_backup_sb=1", 100 * MIB},
    {"-b 1024 -g 512 -N 2048 -O meta_bg,^resize_inode,^has_journal", 60 * MIB},
    {"-b 1024 -g 512 -N 2048 -O meta_bg,^resize_inode,^has_journal,^64bit,sparse_super2", 60 * MIB},
    {"-b 1024 -O bigalloc -C 4096 -N 4096", 200 * MIB},
    {"-b 4096 -O bigalloc -C 65536", 900 * MIB},
    {"-b 2048 -O ^64bit,^flex_bg", 200 * MIB},
    {"-b 65536", 600 * MIB},
    {"-r 0 -b 1024", 50 * MIB},
    {"-b 4096 -E resize=1000000", 200 * MIB},
};

Test(ext4_geometry, groups_are_those_of_dumpe2fs)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        char *path = make_filesystem(layouts[i].options, layouts[i].size, 0, &error);

        cr_assert_not_null(path, "%s: %s", layouts[i].options, error.message);
        compare_with_dumpe2fs(path, layouts[i].options);
        filesystem_remove(path);
    }
}

/* Blocks that resize2fs gives the filesystem at path when it is asked for blocks. */
static uint64_t resize2fs_blocks(const char *path, uint32_t block_size, uint64_t blocks)
{
    char size[32];

    cr_assert_eq(truncate(path, (off_t)(blocks * block_size)), 0);
    snprintf(size, sizeof size, "%llu", (unsigned long long)blocks);
    free(run((const char *[]){"resize2fs", "-f", path, size, NULL}));
    return read_geometry(path).blocks;
}

static void compare_with_resize2fs(const char *options, uint64_t size, uint64_t first,
                                   uint64_t step, int count)
{
    for (int i = 0; i < count; i++) {
        char *path = make_filesystem(options, size, 0, &error);
        struct ext4_geometry old, new;
        uint64_t blocks = first + (uint64_t)i * step, expected;

        cr_assert_not_null(path, "%s", error.message);
        old = read_geometry(path);
        expected = resize2fs_blocks(path, old.block_size, blocks);
        cr_assert_eq(ext4_geometry_grow(&old, blocks, &new, &error), 0, "%s", error.message);
        cr_expect_eq(new.blocks, expected, "%s: asked for %llu: %llu, not %llu", options,
                     (unsigned long long)blocks, (unsigned long long)new.blocks,
                     (unsigned long long)expected);
        filesystem_remove(path);
    }
}

/* A last group that can't hold its own tables and 50 blocks is dropped. */
Test(ext4_geometry, last_group_is_dropped_where_resize2fs_drops_it)
{
    /* 16 blocks of inode table a group. Group 16 has no head, that of group 9 takes 3 blocks. */
    static const char options[] = "-b 1024 -g 512 -N 512 -O ^has_journal -E resize=16384";

    compare_with_resize2fs(options, 4 * MIB, 1 + 16 * 512 + 66, 1, 5);
    compare_with_resize2fs(options, 4 * MIB, 1 + 9 * 512 + 69, 1, 5);
}

static struct ext4_geometry large(uint64_t blocks, bool is_64bit)
{
    struct ext4_geometry geometry = {
        .block_size = 4096,
        .cluster_blocks = 1,
        .blocks = blocks,
        .group_blocks = 32768,
        .group_clusters = 32768,
        .group_inodes = 8192,
        .inode_table_blocks = 512,
        .flex_groups = 16,
        .descriptors = is_64bit ? 64 : 128,
        .backup_rule = EXT4_BACKUPS_SPARSE,
        .is_64bit = is_64bit,
        .has_group_checksums = true,
        .has_resize_inode = true,
    };

    geometry.groups = (uint32_t)divide_up(blocks, 32768);
    geometry.flat_descriptor_blocks = ext4_descriptor_blocks(&geometry);
    geometry.first_meta_group = geometry.flat_descriptor_blocks * geometry.descriptors;
    geometry.reserved_blocks = 1024;
    return geometry;
}

#define BLOCKS(bytes) ((bytes) / 4096)

Test(ext4_geometry, reserved_blocks_become_descriptors_and_then_meta_bg)
{
    struct ext4_geometry old = large(BLOCKS(256 * GIB), true), new;

    cr_assert_eq(ext4_geometry_grow(&old, BLOCKS(TIB), &new, &error), 0);
    cr_expect_eq(new.flat_descriptor_blocks, 128);
    cr_expect_eq(new.reserved_blocks, 1024 - 96);
    cr_expect(new.has_resize_inode && !new.meta_bg);

    cr_assert_eq(ext4_geometry_grow(&old, BLOCKS(10 * TIB), &new, &error), 0);
    cr_expect_eq(new.flat_descriptor_blocks, 32 + 1024);
    cr_expect_eq(new.reserved_blocks, 0);
    cr_expect(!new.has_resize_inode &&new.meta_bg);
    cr_expect_eq(new.first_meta_group, (32 + 1024) * 64);
}

Test(ext4_geometry, without_64bit_no_more_than_2_to_the_32_blocks)
{
    struct ext4_geometry old = large(BLOCKS(TIB), false), new;

    cr_assert_eq(ext4_geometry_grow(&old, UINT32_MAX, &new, &error), 0, "%s", error.message);
    cr_expect_eq(ext4_geometry_grow(&old, UINT64_C(1) << 32, &new, &error), -1);
    cr_expect_eq(error.kind, ERROR_UNSUPPORTED);
    cr_expect(strstr(error.message, "4294967296 blocks"), "%s", error.message);
}

Test(ext4_geometry, inodes_stay_below_2_to_the_32)
{
    struct ext4_geometry old = large(BLOCKS(TIB), true), new;

    old.reserved_blocks = 0;
    cr_assert_eq(ext4_geometry_grow(&old, BLOCKS(100 * TIB), &new, &error), 0);
    cr_expect_eq(new.groups, UINT32_MAX / 8192);
    cr_expect_eq(new.blocks, UINT64_C(32768) * new.groups);
}

/* 12 TiB with 1024 blocks in reserve: at 17 TiB the descriptors fill 640 of them, and the resize
 * inode can't go on owning the others. */
Test(ext4_geometry, reserve_is_given_up_beyond_2_to_the_32_blocks)
{
    struct ext4_geometry old = large(BLOCKS(12 * TIB), true), new;

    cr_assert_eq(ext4_geometry_grow(&old, BLOCKS(17 * TIB), &new, &error), 0);
    cr_expect_eq(new.reserved_blocks, 0);
    cr_expect_not(new.has_resize_inode);
    cr_expect_not(new.meta_bg);
    cr_expect_eq(new.flat_descriptor_blocks, ext4_descriptor_blocks(&new));
}

Test(ext4_geometry, smaller_or_equal_leaves_it_as_it_is)
{
    struct ext4_geometry old = large(BLOCKS(TIB), true), new;

    for (uint64_t blocks = BLOCKS(TIB) - 3; blocks <= BLOCKS(TIB); blocks++) {
        cr_assert_eq(ext4_geometry_grow(&old, blocks, &new, &error), 0);
        cr_expect_eq(new.blocks, old.blocks);
        cr_expect_eq(new.groups, old.groups);
    }
}

Test(ext4_geometry, whole_clusters)
{
    struct ext4_geometry old = large(BLOCKS(TIB), true), new;

    old.cluster_blocks = 16;
    old.group_clusters = 2048;
    cr_assert_eq(ext4_geometry_grow(&old, BLOCKS(2 * TIB) + 1000 * 16 + 15, &new, &error), 0);
    cr_expect_eq(new.blocks, BLOCKS(2 * TIB) + 1000 * 16);
}
