/*
 * For unit tests of renumbering: choosing moves, carrying them out on a raw file, judging.
 */
#ifndef TESTS_SUPPORT_RENUMBER_FIXTURE_H
#define TESTS_SUPPORT_RENUMBER_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/block-map.h"
#include "ext4/descriptors.h"
#include "ext4/inode-table.h"
#include "resize/renumber.h"
#include "tests/support/host.h"
#include "tests/support/judge.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/must.h"
#include "tests/support/plain-disk.h"
#include "tests/support/random.h"
#include "tests/support/tree-digest.h"

static struct error error;

struct moves {
    struct resize_inode_move *list;
    size_t count;
};

enum choice {
    DOWNWARDS, /* from the highest numbers into the lowest free ones: what shrinking does */
    ANYWHERE,  /* every third inode into any free number */
};

struct opened {
    struct disk *disk;
    struct ext4 ext4;
};

static inline void open_filesystem(const char *path, struct opened *ret)
{
    cr_assert_eq(plain_disk_open(path, &ret->disk, &error), 0, "%s", error.message);
    cr_assert_eq(ext4_open_checked(ret->disk, false, &ret->ext4, &error), 0, "%s", error.message);
}

static inline void close_filesystem(struct opened *opened)
{
    ext4_release(&opened->ext4);
    disk_close(opened->disk);
}

/* Every block of the descriptors, and the superblock: what the caller of resize_renumber does. */
static inline void write_accounts(struct ext4 *ext4)
{
    const struct ext4_geometry *geometry = &ext4->geometry;

    for (uint32_t i = 0; i < ext4_descriptor_blocks(geometry); i++) {
        uint64_t place = i < geometry->flat_descriptor_blocks
                             ? ext4_flat_descriptors_start(geometry, 0) + i
                             : ext4_meta_descriptor_block(geometry, i, 0);

        cr_assert_eq(ext4_write_descriptors(ext4->fs, place, i, 1, &error), 0);
    }
    cr_assert_eq(ext4_write_super(ext4->fs, &error), 0, "%s", error.message);
}

/* Which inodes are in use, as libext2fs reads the bitmaps; by number. */
static inline bool *read_used(const char *path, uint32_t *ret_first, uint32_t *ret_count)
{
    ext2_filsys fs;
    bool *used;

    cr_assert_eq(ext2fs_open(path, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs), 0);
    cr_assert_eq(ext2fs_read_inode_bitmap(fs), 0);
    *ret_first = EXT2_FIRST_INODE(fs->super);
    *ret_count = fs->super->s_inodes_count;
    used = must_allocate(*ret_count + 1);
    for (uint32_t i = 1; i <= *ret_count; i++)
        used[i] = ext2fs_test_inode_bitmap2(fs->inode_map, i);
    ext2fs_close_free(&fs);
    return used;
}

static inline void add_move(struct moves *moves, uint32_t from, uint32_t to)
{
    moves->list = must_resize(moves->list, moves->count + 1, sizeof *moves->list);
    moves->list[moves->count++] = (struct resize_inode_move){from, to};
}

static inline int compare_moves(const void *a, const void *b)
{
    const struct resize_inode_move *first = a, *second = b;

    return first->from < second->from ? -1 : first->from > second->from;
}

/* At most the given number of moves. */
static inline struct moves choose(const char *path, enum choice choice, uint64_t seed)
{
    uint32_t first, count, free_number;
    CLEANUP_FREE bool *used = read_used(path, &first, &count);
    CLEANUP_FREE bool *gone = must_allocate(count + 1);
    struct moves moves = {0};

    free_number = first;
    for (uint32_t from = count; from >= first; from--) {
        uint32_t to = free_number;

        if (!used[from] || gone[from] || (choice == ANYWHERE && random_below(&seed, 3) != 0))
            continue;
        if (choice == ANYWHERE)
            to = first + (uint32_t)random_below(&seed, count - first + 1);
        while (to <= count && (used[to] || gone[to]))
            to++;
        if (to > count || (choice == DOWNWARDS && to >= from))
            continue;
        gone[to] = true;
        if (choice == DOWNWARDS)
            free_number = to;
        add_move(&moves, from, to);
    }
    qsort(moves.list, moves.count, sizeof *moves.list, compare_moves);
    return moves;
}

static inline void expect_clean(const char *path, const char *what)
{
    char *output;
    int status;

    cr_assert_eq(host_run((const char *[]){"e2fsck", "-fn", path, NULL}, &status, &output, &error),
                 0);
    /* For wrong counts in the superblock alone the status is 0. */
    cr_assert(status == 0 && !strstr(output, "? no"), "%s: %s", what, output);
    free(output);
}

/* The output of a shell script, whose $1 is path. */
static inline char *run_script(const char *script, const char *path)
{
    char *output;
    int status;

    cr_assert_eq(host_run((const char *[]){"bash", "-c", script, "bash", path, NULL}, &status,
                          &output, &error),
                 0, "%s", error.message);
    cr_assert_eq(status, 0, "%s", output);
    return output;
}

/* Checks, and the check writes nothing; then renumbers. */
static inline void renumber(const char *path, struct moves moves)
{
    struct digest before, after;
    struct opened opened;

    open_filesystem(path, &opened);
    cr_assert_eq(judge_contents(opened.disk, &before, &error), 0);
    cr_assert_eq(resize_renumber_check(&opened.ext4, moves.list, moves.count, NULL, &error), 0,
                 "%s", error.message);
    cr_assert_eq(judge_contents(opened.disk, &after, &error), 0);
    cr_assert(digest_equal(before, after), "the check wrote");
    cr_assert_eq(disk_begin(opened.disk, &error), 0);
    cr_assert_eq(resize_renumber(&opened.ext4, moves.list, moves.count, &error), 0, "%s",
                 error.message);
    write_accounts(&opened.ext4);
    cr_assert_eq(disk_commit(opened.disk, &error), 0);
    close_filesystem(&opened);
}

static inline void expect_moved(const char *path, struct moves moves, const char *what)
{
    uint32_t first, count;
    CLEANUP_FREE bool *used = read_used(path, &first, &count);

    for (size_t i = 0; i < moves.count; i++)
        cr_expect(!used[moves.list[i].from] && used[moves.list[i].to], "%s: inode %u", what,
                  moves.list[i].from);
}

static inline void renumber_and_judge(const char *path, const char *what, enum choice choice,
                                      uint64_t seed)
{
    struct moves moves = choose(path, choice, seed);
    struct digest before, after;

    cr_assert_gt(moves.count, 5, "%s: %zu moves", what, moves.count);
    cr_assert_eq(tree_digest(path, &before, &error), 0, "%s", error.message);
    renumber(path, moves);
    expect_clean(path, what);
    cr_assert_eq(tree_digest(path, &after, &error), 0, "%s: %s", what, error.message);
    cr_expect(digest_equal(before, after), "%s: the tree is another", what);
    expect_moved(path, moves, what);
    free(moves.list);
}

/* Puts $1's filesystem under $dir. */
#define MOUNT                                                                           \
    "set -eu; dir=$(mktemp -d); mount -o loop \"$1\" $dir || { rmdir $dir; exit 77; };" \
    "trap 'umount $dir; rmdir $dir' EXIT; cd $dir; "
#define LEAVE " cd /"

static inline bool can_mount(void)
{
    CLEANUP_FREE char *output = NULL;
    char *path = make_filesystem("-b 1024", 4 * MIB, 0, &error);
    const char *const words[] = {"bash", "-c", MOUNT LEAVE, "bash", path, NULL};
    int status;

    cr_assert_not_null(path);
    cr_assert_eq(host_run(words, &status, &output, &error), 0);
    filesystem_remove(path);
    return status == 0;
}

#endif
