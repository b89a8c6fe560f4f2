/* Whatever moment the power is cut while a VHDX is compacted: the image opens, what counts reads as
 * before, what was to be given up as before or as zeros, nothing overlaps, and compacting it again
 * ends where it would have ended. VHDX_COMPACTION_SEEDS=FIRST-LAST tries more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/power-cut.h"
#include "tests/support/random.h"
#include "tests/support/recording-file.h"
#include "tests/support/vhdx-compaction-case.h"

#define ENOUGH_WRONG 4 /* states, that more needn't be looked at */

static int visit(struct file *state, const char *what, void *context)
{
    unsigned *count_wrong = context;
    const char *wrong = check_state(state);

    cr_expect_null(wrong, "%s: %s", what, wrong);
    file_close(state);
    return wrong && ++*count_wrong >= ENOUGH_WRONG;
}

/* Compacts the image, and cuts the power everywhere. */
static void cut(const struct power_cut_options *options, const char *name)
{
    struct power_cut_counts counts = {0};
    struct disk_compaction figures;
    struct trace trace = {0};
    unsigned wrong = 0;

    disk = image_open(recording_file_new(memory_file_snapshot(image), &trace), &error);
    cr_assert_not_null(disk, "%s: %s", name, error.message);
    cr_assert_eq(compact_once(disk, &figures), 0, "%s: %s", name, error.message);
    cr_expect_null(check_disk(disk, true), "%s", name);
    cr_expect_eq(figures.file_size, the_case.plan.file_size);
    disk_close(disk);
    cr_expect_eq(power_cut_walk(&trace, options, visit, &wrong, &counts), 0, "%s", name);
    fprintf(stderr, "%s: %zu operations, %llu cuts, %llu states\n", name, trace.count,
            (unsigned long long)counts.cuts, (unsigned long long)counts.states);
    trace_clear(&trace);
    file_close(image);
}

static const struct power_cut_options all = {.random_states = 6, .seed = 1},
                                      some = {.random_states = 3,
                                              .cut_limit = 60,
                                              .state_limit = 2,
                                              .seed = 2};

/* A visitor that keeps the first state with a dirty log. */
static int keep_dirty(struct file *state, const char *what, void *context)
{
    struct disk_description facts;
    struct disk *on = image_open(memory_file_snapshot(state), &error);

    (void)what;
    cr_assert_not_null(on, "%s", error.message);
    MUST(disk_describe(on, &facts, &error));
    disk_close(on);
    if (strcmp(facts.log, "dirty") == 0) {
        *(struct file **)context = state;
        return 1;
    }
    file_close(state);
    return 0;
}

/* What is in the trace was cut off: the image is the first state with a dirty log. */
static void take_dirty(struct trace *trace)
{
    struct file *dirty = NULL;

    disk_close(disk);
    power_cut_walk(trace, &some, keep_dirty, &dirty, NULL);
    cr_assert_not_null(dirty);
    trace_clear(trace);
    image = dirty;
    open_image();
}

static void open_recording(struct trace *trace)
{
    disk = image_open(recording_file_new(image, trace), &error);
    cr_assert_not_null(disk, "%s", error.message);
}

#define STEP (41 * 512) /* so that many of the sectors that may be torn have a mark */
#define MUCH (UINT64_C(1) << 40)

/* The host's free space makes the batches: of one block, of two, of all. */
static void cut_holes(uint64_t free_space, const char *name)
{
    begin_case(40 * MIB, MIB, STEP);
    put_blocks(0, 18);
    give_up_blocks(DISK_UNUSED_FREE, 1, 3);
    give_up_blocks(DISK_UNUSED_FREE, 6, 2);
    give_up_blocks(DISK_UNUSED_FREE, 9, 1);
    give_up_blocks(DISK_UNUSED_FREE, 16, 1);
    ready_case();
    cr_expect_eq(the_case.plan.moved, 6 * MIB);
    memory_file_set_free_space(image, free_space);
    cut(&all, name);
}

Test(vhdx_compaction_cuts, one_batch, .timeout = 300)
{
    cut_holes(MUCH, "one batch");
}

Test(vhdx_compaction_cuts, batches_of_two, .timeout = 300)
{
    cut_holes(2 * MIB, "batches of two");
}

Test(vhdx_compaction_cuts, a_host_without_a_free_byte, .timeout = 300)
{
    cut_holes(0, "no free space");
}

Test(vhdx_compaction_cuts, kinds_of_unused, .timeout = 300)
{
    begin_case(20 * MIB + 4096, MIB, STEP);
    MUST(disk_begin(disk, &error));
    for (uint64_t block = 0; block < 21; block++)
        put_block(block, block == 3 || block == 4 || block == 12);
    MUST(disk_commit(disk, &error));
    give_up_blocks(DISK_UNUSED_BLANK, 2, 1);
    give_up_blocks(DISK_UNUSED_ZEROS, 3, 1);
    give_up_blocks(DISK_UNUSED_FREE, 6, 2);
    give_up_blocks(DISK_UNUSED_ZEROS, 12, 1);
    give_up_blocks(DISK_UNUSED_BLANK, 20, 1);
    ready_case();
    cut(&all, "kinds");
}

/* Zeros alone: the data-write id stays, and so the first commit is another one. */
Test(vhdx_compaction_cuts, zeros_alone, .timeout = 300)
{
    begin_case(20 * MIB, MIB, STEP);
    MUST(disk_begin(disk, &error));
    for (uint64_t block = 0; block < 12; block++)
        put_block(block, block % 3 == 0);
    MUST(disk_commit(disk, &error));
    for (uint64_t block = 0; block < 12; block += 3)
        give_up_blocks(DISK_UNUSED_ZEROS, block, 1);
    ready_case();
    cut(&all, "zeros");
}

Test(vhdx_compaction_cuts, blocks_of_2_MiB, .timeout = 300)
{
    begin_case(80 * MIB, 2 * MIB, 2 * STEP);
    put_blocks(0, 6);
    resize(120 * GIB); /* a hole of one unit where the table was */
    put_blocks(6, 6);
    give_up_blocks(DISK_UNUSED_FREE, 0, 2);
    give_up_blocks(DISK_UNUSED_BLANK, 5, 1);
    give_up_blocks(DISK_UNUSED_FREE, 8, 1);
    ready_case();
    memory_file_set_free_space(image, 4 * MIB);
    cut(&some, "2 MiB");
}

/* Growing puts the table behind the blocks; with room before it, it goes back. */
Test(vhdx_compaction_cuts, a_table_at_the_end, .timeout = 300)
{
    begin_case(40 * MIB, MIB, STEP);
    put_blocks(0, 10);
    resize(200 * GIB);
    put_blocks(20, 2);
    give_up_blocks(DISK_UNUSED_FREE, 2, 6);
    give_up_blocks(DISK_UNUSED_FREE, 20, 1);
    ready_case();
    cr_expect_eq(the_case.plan.file_size, FIRST_BLOCK + 5 * MIB + 2 * MIB - MIB);
    cut(&all, "table at the end");
}

Test(vhdx_compaction_cuts, a_table_that_is_cut_short, .timeout = 300)
{
    begin_case(20 * MIB, MIB, STEP);
    put_blocks(0, 6);
    resize(2 * TIB);
    put_blocks(6, 3);
    resize(12 * MIB);
    give_up_blocks(DISK_UNUSED_FREE, 2, 2);
    ready_case();
    cr_expect_geq(the_case.plan.given_back, 16 * MIB);
    cut(&all, "table cut short");
}

/* An entry of the log that is longer than the log. */
static void cut_long_entry(uint64_t free_space, const char *name)
{
    make_long_case();
    memory_file_set_free_space(image, free_space);
    cut(&some, name);
}

Test(vhdx_compaction_cuts, a_log_that_is_too_short, .timeout = 300)
{
    cut_long_entry(MUCH, "longer log");
}

Test(vhdx_compaction_cuts, a_log_that_cant_be_longer, .timeout = 300)
{
    cut_long_entry(MIB, "several commits");
}

/* A log that was left dirty is replayed first. */
Test(vhdx_compaction_cuts, a_dirty_log, .timeout = 300)
{
    struct trace trace = {0};

    begin_case(40 * MIB, MIB, STEP);
    put_blocks(0, 6);
    disk_close(disk);
    open_recording(&trace);
    put_blocks(6, 6);
    take_dirty(&trace);
    give_up_blocks(DISK_UNUSED_FREE, 1, 3);
    give_up_blocks(DISK_UNUSED_FREE, 7, 2);
    ready_case();
    cut(&all, "dirty log");
}

/* One that had to be longer was left behind the blocks: it goes back. */
Test(vhdx_compaction_cuts, a_log_at_the_end, .timeout = 300)
{
    uint64_t file_size;

    make_long_case();
    file_size = the_case.plan.file_size;
    leave_log_at_the_end();
    ready_case();
    cr_expect_eq(the_case.plan.file_size, file_size);
    cut(&some, "log at the end");
}

static uint64_t numbers; /* the state of the random ones */

static uint64_t pick(uint64_t limit)
{
    return random_below(&numbers, limit);
}

static size_t find_block(uint64_t block)
{
    size_t at = 0;

    while (at < the_case.block_count && the_case.blocks[at].block != block)
        at++;
    return at;
}

static void drop_block(size_t at)
{
    the_case.blocks[at] = the_case.blocks[--the_case.block_count];
}

static void put_random_blocks(void)
{
    uint64_t blocks = divide_up(disk->size, the_case.block_size);

    MUST(disk_begin(disk, &error));
    for (uint64_t i = pick(8); i > 0; i--) {
        uint64_t block = pick(pick(4) ? min_u64(30, blocks) : blocks);

        if (find_block(block) == the_case.block_count)
            put_block(block, pick(6) == 0);
    }
    MUST(disk_commit(disk, &error));
}

static void forget_random_blocks(void)
{
    MUST(disk_begin(disk, &error));
    for (uint64_t i = pick(4); i > 0 && the_case.block_count > 0; i--) {
        size_t at = (size_t)pick(the_case.block_count);
        uint64_t start = the_case.blocks[at].block * the_case.block_size;

        MUST(disk_forget(disk, start, min_u64(the_case.block_size, disk->size - start), &error));
        drop_block(at);
    }
    MUST(disk_commit(disk, &error));
}

static void resize_at_random(void)
{
    static const uint64_t most[] = {20 * MIB, 200 * MIB, 130 * GIB, 400 * GIB};
    uint64_t size = MIB + pick(most[pick(4)]) / 4096 * 4096;

    for (size_t at = the_case.block_count; at-- > 0;)
        if ((the_case.blocks[at].block + 1) * the_case.block_size > min_u64(size, disk->size))
            drop_block(at); /* a block at the end has marks up to there */
    resize(size);
}

static int compare_blocks(const void *a, const void *b)
{
    const struct marked_block *first = a, *second = b;

    return first->block < second->block ? -1 : first->block > second->block;
}

/* An image that was in use for a while. */
static void make_random_case(unsigned long long seed)
{
    uint32_t block_size = (uint32_t)(MIB << (numbers = seed, pick(3)));

    begin_case(MIB + pick(300) * 4096 * 50, block_size, block_size / 4 + 4096);
    for (uint64_t steps = 2 + pick(8); steps > 0; steps--) {
        void (*const kinds[])(void) = {put_random_blocks, put_random_blocks, put_random_blocks,
                                       forget_random_blocks, resize_at_random};

        kinds[pick(5)]();
        if (pick(3) == 0)
            MUST(disk_reclaim(disk, &error));
        if (pick(3) == 0)
            reopen();
    }
    qsort(the_case.blocks, the_case.block_count, sizeof *the_case.blocks, compare_blocks);
    for (size_t i = 0; i < the_case.block_count; i++) {
        const struct marked_block *block = &the_case.blocks[i];

        if (pick(5) < 2)
            give_up_blocks(block->is_zero ? DISK_UNUSED_ZEROS : (enum disk_unused_kind)pick(2),
                           block->block, 1);
    }
    ready_case();
    memory_file_set_free_space(image, pick(3) ? pick(20) * MIB : MUCH);
}

Test(vhdx_compaction_cuts, images_in_random_states, .timeout = 0)
{
    const struct power_cut_options options = {
        .random_states = 2, .cut_limit = 15, .state_limit = 1, .seed = 4};
    const char *seeds = getenv("VHDX_COMPACTION_SEEDS");
    unsigned long long first = 1, last = 150;
    char name[40];

    if (seeds && sscanf(seeds, "%llu-%llu", &first, &last) != 2)
        cr_assert_fail("VHDX_COMPACTION_SEEDS is no range");
    for (unsigned long long seed = first; seed <= last; seed++) {
        snprintf(name, sizeof name, "seed %llu", seed);
        make_random_case(seed);
        cut(&options, name);
    }
}
