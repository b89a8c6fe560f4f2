/*
 * For unit tests that disturb the compaction of a VHDX: the image (vhdx-fixture.h), what is to be
 * given up, and what must be read afterwards. Each test file that includes this has its own.
 *
 * Blocks hold marks: 8 bytes, each another number, with zeros between them. A block that counts has
 * all its marks at any time; one that was to be given up has all of them or none; one of zeros has
 * none.
 */
#ifndef TESTS_SUPPORT_VHDX_COMPACTION_CASE_H
#define TESTS_SUPPORT_VHDX_COMPACTION_CASE_H

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "tests/support/failing-file.h"
#include "tests/support/must.h"
#include "tests/support/vhdx-fixture.h"

#define MOST_BLOCKS 512

struct marked_block {
    uint64_t block;
    bool unused, is_zero; /* is_zero: it never had marks */
};

struct compaction_case {
    uint64_t block_size, step; /* bytes: marks are that far apart */
    struct marked_block blocks[MOST_BLOCKS];
    size_t block_count;
    struct disk_unused unused[MOST_BLOCKS]; /* sorted, a block each or more */
    size_t unused_count;
    struct disk_compaction plan; /* of the image as it is; its figures */
};

static struct compaction_case the_case;

/* Begins a case: an empty disk of size bytes. Few marks make large images cheap. */
static MAYBE_UNUSED void begin_case(uint64_t size, uint32_t block_size, uint64_t step)
{
    the_case = (struct compaction_case){.block_size = block_size, .step = step};
    make_image(size, block_size, 512);
}

static uint64_t mark_of(uint64_t offset)
{
    return offset * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/* Stores a block with its marks, within a transaction; zeros: without. */
static MAYBE_UNUSED void put_block(uint64_t block, bool zeros)
{
    uint64_t start = block * the_case.block_size;
    uint64_t end = min_u64(start + the_case.block_size, disk->size);
    uint8_t bytes[8] = {1};

    cr_assert_lt(the_case.block_count, MOST_BLOCKS);
    the_case.blocks[the_case.block_count++] =
        (struct marked_block){.block = block, .is_zero = zeros};
    MUST(disk_forget(disk, start, end - start, &error));
    MUST(disk_write(disk, start, bytes, 8, &error));
    put_le64(bytes, 0);
    if (zeros)
        MUST(disk_write(disk, start, bytes, 8, &error));
    for (uint64_t at = start; !zeros && at + 8 <= end; at += the_case.step) {
        put_le64(bytes, mark_of(at));
        MUST(disk_write(disk, at, bytes, 8, &error));
    }
}

static MAYBE_UNUSED void put_blocks(uint64_t first, uint64_t count)
{
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < count; i++)
        put_block(first + i, false);
    MUST(disk_commit(disk, &error));
}

static MAYBE_UNUSED void resize(uint64_t size)
{
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, size, &error));
    MUST(disk_commit(disk, &error));
}

/* count blocks from first on are given up; in ascending order. */
static MAYBE_UNUSED void give_up_blocks(enum disk_unused_kind kind, uint64_t first, uint64_t count)
{
    uint64_t start = first * the_case.block_size;
    uint64_t end = min_u64(start + count * the_case.block_size, disk->size);

    cr_assert_lt(the_case.unused_count, MOST_BLOCKS);
    the_case.unused[the_case.unused_count++] = (struct disk_unused){kind, start, end - start};
    for (size_t i = 0; i < the_case.block_count; i++)
        if (the_case.blocks[i].block >= first && the_case.blocks[i].block < first + count)
            the_case.blocks[i].unused = true;
}

/* Plans and carries it out; the figures are in *ret_plan also where it fails. */
static MAYBE_UNUSED int compact_once(struct disk *on, struct disk_compaction *ret_plan)
{
    struct disk_compaction *plan;
    int result;

    *ret_plan = (struct disk_compaction){0};
    if (disk_plan_compaction(on, the_case.unused, the_case.unused_count, &plan, &error))
        return -1;
    *ret_plan = *plan;
    result = disk_compact(on, plan, NULL, &error);
    disk_compaction_free(plan);
    return result;
}

/* Closes the disk; the image is ready, and what compacting it comes to is planned. */
static MAYBE_UNUSED void ready_case(void)
{
    struct disk_compaction *plan;

    reopen();
    MUST(disk_plan_compaction(disk, the_case.unused, the_case.unused_count, &plan, &error));
    the_case.plan = *plan;
    disk_compaction_free(plan);
    disk_close(disk);
    disk = NULL;
}

/* What is wrong with a block, or NULL. */
static const char *check_block(struct disk *on, const struct marked_block *block, bool compacted)
{
    uint64_t start = block->block * the_case.block_size;
    uint64_t end = min_u64(start + the_case.block_size, on->size);
    uint64_t found = 0, gone = 0;

    for (uint64_t at = start; at + 8 <= end; at += the_case.step) {
        uint8_t bytes[16] = {0};
        uint64_t mark;

        if (disk_read(on, at, bytes, (size_t)min_u64(sizeof bytes, end - at), &error))
            return error.message;
        mark = get_le64(bytes);
        if ((mark != 0 && mark != mark_of(at)) || get_le64(bytes + 8) != 0)
            return "other bytes than its own";
        found += mark != 0;
        gone += mark == 0;
    }
    if (block->is_zero)
        return found ? "something that isn't zeros" : NULL;
    if (!block->unused)
        return gone ? "less than before" : NULL;
    return found && gone ? "a part of what was given up" : found && compacted ? "too much" : NULL;
}

/* Checks all blocks; what is wrong, valid until the next call, or NULL. compacted: after, so that
 * what was given up is gone. */
static MAYBE_UNUSED const char *check_disk(struct disk *on, bool compacted)
{
    static char wrong[400];

    for (size_t i = 0; i < the_case.block_count; i++) {
        const char *what = check_block(on, &the_case.blocks[i], compacted);

        if (what) {
            snprintf(wrong, sizeof wrong, "block %llu: %.300s",
                     (unsigned long long)the_case.blocks[i].block, what);
            return wrong;
        }
    }
    return NULL;
}

/* The disk, opened by somebody else, can be changed: nothing overlaps, nothing lies outside. */
static const char *check_anew(struct file *file, bool compacted)
{
    CLEANUP(cleanup_disk) struct disk *on = image_open(lent_file_new(file), &error);
    const char *wrong = on ? check_disk(on, compacted) : error.message;

    if (!wrong && disk_begin(on, &error))
        wrong = error.message;
    if (!wrong)
        disk_abort(on);
    return wrong ? wrong : check_disk(on, compacted);
}

static const char *compact_again(struct file *file)
{
    CLEANUP(cleanup_disk) struct disk *on = image_open(lent_file_new(file), &error);
    struct disk_compaction plan;

    return !on || compact_once(on, &plan) ? error.message : check_disk(on, true);
}

/* Looks at the image in file, a memory file: it opens, reads right, can be changed, and compacting
 * it (again) ends where a compaction without a disturbance does. What is wrong, or NULL. */
static MAYBE_UNUSED const char *check_state(const struct file *file)
{
    struct file *replayed = memory_file_snapshot(file), *copy = memory_file_snapshot(file);
    static char wrong[700];
    const char *what = check_anew(replayed, false);
    uint64_t size = 0;

    if (!what)
        what = compact_again(copy);
    if (!what)
        what = check_anew(copy, true);
    snprintf(wrong, sizeof wrong, "%.640s", what ? what : "");
    MUST(file_get_size(copy, &size, &error));
    if (!what && size != the_case.plan.file_size)
        snprintf(wrong, sizeof wrong, "compacted again it has %llu bytes, not %llu",
                 (unsigned long long)size, (unsigned long long)the_case.plan.file_size);
    file_close(replayed);
    file_close(copy);
    return *wrong ? wrong : NULL;
}

/* 270 blocks far apart, of which 4 count: giving up the others takes a longer log than there is. */
static MAYBE_UNUSED void make_long_case(void)
{
    begin_case(140 * GIB, MIB, 256 * KIB);
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < 270; i++)
        put_block(i * 512, false);
    MUST(disk_commit(disk, &error));
    for (uint64_t i = 0; i < 266; i++)
        give_up_blocks(DISK_UNUSED_FREE, i * 512, 1);
    ready_case();
}

/* Compacting fails in the middle of that: the longer log is left, dirty, behind the blocks. */
static MAYBE_UNUSED void leave_log_at_the_end(void)
{
    struct failure failure = {.errno_value = EIO, .for_good = true, .changes_only = true};
    struct disk_compaction figures;
    uint64_t size = image_size();

    disk = image_open(failing_file_new(lent_file_new(image), &failure), &error);
    cr_assert_not_null(disk, "%s", error.message);
    failure.call = failure.calls + 20;
    cr_assert_eq(compact_once(disk, &figures), -1);
    cr_assert(disk->committed);
    cr_assert_gt(image_size(), size, "the log wasn't longer");
    disk_close(disk);
    disk = NULL;
}

#endif
