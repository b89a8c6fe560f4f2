/*
 * Free blocks come from the walk over the bitmaps, in order. Unused parts of tables and of the
 * journal don't: with flex_bg a group's table lies among another's blocks. So they are listed
 * before, and put in between where their turn comes. Tables lie in rows, and what touches is one
 * run: the list is short.
 */
#include "ext4/unused.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/free-runs.h"
#include "ext4/inode-table.h"
#include "ext4/journal-unused.h"

/* Rows that grow side by side: block bitmaps, inode bitmaps, tables of a flex group. */
#define ROWS 3

struct runs {
    struct ext4_run *list;
    size_t count, capacity;
    size_t next; /* the first that the walk hasn't passed */
};

struct walk {
    struct ext4 *ext4;
    struct runs blank;    /* parts of inode tables, and of the journal, that aren't in use */
    struct runs metadata; /* bitmaps, tables and journal, in which no block can be free */
    ext4_unused_visit *visit;
    void *context;
};

static void cleanup_walk(struct walk *walk)
{
    free(walk->blank.list);
    free(walk->metadata.list);
}

static int add(struct runs *runs, struct ext4_run run, struct error *error)
{
    struct ext4_run *larger;

    if (run.count == 0)
        return 0;
    for (size_t i = 1; i <= ROWS && i <= runs->count; i++) {
        struct ext4_run *row = &runs->list[runs->count - i];

        if (row->start + row->count == run.start) {
            row->count += run.count;
            return 0;
        }
    }
    larger = array_make_room(runs->list, runs->count, &runs->capacity, sizeof *larger, error);
    if (!larger)
        return -1;
    runs->list = larger;
    larger[runs->count++] = run;
    return 0;
}

static void sort(struct runs *runs)
{
    if (runs->count > 0)
        qsort(runs->list, runs->count, sizeof *runs->list, ext4_run_compare);
}

/* How many of the group's inodes, counted from the table's beginning, may be in use. The
 * descriptor says so, and the bitmap is asked too, for it would be inodes that were lost. */
static int inodes_in_use(struct ext4 *ext4, uint32_t group, uint8_t *bitmap, uint32_t *ret_count,
                         struct error *error)
{
    uint32_t all = ext4->geometry.group_inodes, count = ext4_inodes_initialised(ext4, group);

    *ret_count = count;
    if (count == all || ext2fs_bg_flags_test(ext4->fs, group, EXT2_BG_INODE_UNINIT))
        return 0;
    if (ext4_inode_bitmap_read(ext4, group, bitmap, error))
        return -1;
    for (uint32_t i = all; i > count; i--)
        if (ext4_bit(bitmap, i - 1))
            *ret_count = count = i;
    return 0;
}

static int add_tables(struct walk *walk, uint32_t group, uint8_t *bitmap, struct error *error)
{
    struct ext4 *ext4 = walk->ext4;
    const struct ext4_geometry *geometry = &ext4->geometry;
    struct ext4_run table = {ext2fs_inode_table_loc(ext4->fs, group), geometry->inode_table_blocks};
    struct ext4_run block_bitmap = {ext2fs_block_bitmap_loc(ext4->fs, group), 1};
    struct ext4_run inode_bitmap = {ext2fs_inode_bitmap_loc(ext4->fs, group), 1};
    uint32_t inodes;
    uint64_t used_blocks;

    if (add(&walk->metadata, block_bitmap, error) || add(&walk->metadata, inode_bitmap, error) ||
        add(&walk->metadata, table, error) || inodes_in_use(ext4, group, bitmap, &inodes, error))
        return -1;
    used_blocks =
        divide_up(inodes * (uint64_t)EXT2_INODE_SIZE(ext4->fs->super), geometry->block_size);
    table.start += used_blocks;
    table.count -= used_blocks;
    return add(&walk->blank, table, error);
}

static int list_tables(struct walk *walk, struct error *error)
{
    CLEANUP_FREE uint8_t *bitmap = malloc(walk->ext4->geometry.block_size);

    if (!bitmap)
        return error_set_no_memory(error);
    for (uint32_t group = 0; group < walk->ext4->geometry.groups; group++)
        if (add_tables(walk, group, bitmap, error))
            return -1;
    return 0;
}

static int add_journal(struct ext4_run run, void *context, struct error *error)
{
    struct walk *walk = context;

    return add(&walk->metadata, run, error) || add(&walk->blank, run, error) ? -1 : 0;
}

static int check_disjoint(const struct runs *metadata, struct error *error)
{
    const struct ext4_run *list = metadata->list;

    for (size_t i = 1; i < metadata->count; i++)
        if (list[i - 1].start + list[i - 1].count > list[i].start) {
            error_set(error, ERROR_CORRUPT,
                      "block %" PRIu64 " is part of the journal and of a group's tables",
                      list[i].start);
            return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
        }
    return 0;
}

static int list_own(struct walk *walk, struct error *error)
{
    if (list_tables(walk, error) || ext4_journal_unused_each(walk->ext4, add_journal, walk, error))
        return -1;
    sort(&walk->metadata);
    sort(&walk->blank);
    return check_disjoint(&walk->metadata, error);
}

static int visit(struct walk *walk, enum disk_unused_kind kind, struct ext4_run run,
                 struct error *error)
{
    uint64_t block_size = walk->ext4->geometry.block_size;

    return walk->visit(kind, run.start * block_size, run.count * block_size, walk->context, error);
}

/* What of it lies before the block. */
static int visit_blank(struct walk *walk, uint64_t end, struct error *error)
{
    struct runs *blank = &walk->blank;

    for (; blank->next < blank->count && blank->list[blank->next].start < end; blank->next++)
        if (visit(walk, DISK_UNUSED_BLANK, blank->list[blank->next], error))
            return -1;
    return 0;
}

static int check_outside_of_metadata(struct runs *metadata, struct ext4_run run,
                                     struct error *error)
{
    const struct ext4_run *list = metadata->list;
    size_t *next = &metadata->next;

    while (*next < metadata->count && list[*next].start + list[*next].count <= run.start)
        ++*next;
    if (*next == metadata->count || list[*next].start >= run.start + run.count)
        return 0;
    error_set(error, ERROR_CORRUPT,
              "block %" PRIu64
              " is free in its bitmap, and part of a group's tables or the journal",
              max_u64(list[*next].start, run.start));
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

static int visit_free(struct ext4_run run, void *context, struct error *error)
{
    struct walk *walk = context;

    return check_outside_of_metadata(&walk->metadata, run, error) ||
                   visit_blank(walk, run.start, error) || visit(walk, DISK_UNUSED_FREE, run, error)
               ? -1
               : 0;
}

int ext4_unused_each(struct ext4 *ext4, ext4_unused_visit *each, void *context, struct error *error)
{
    CLEANUP(cleanup_walk)
    struct walk walk = {.ext4 = ext4, .visit = each, .context = context};
    const struct ext4_geometry *geometry = &ext4->geometry;

    if (list_own(&walk, error) || ext4_free_runs_each(ext4, geometry->first_block, geometry->blocks,
                                                      visit_free, &walk, error))
        return -1;
    return visit_blank(&walk, geometry->blocks, error);
}
