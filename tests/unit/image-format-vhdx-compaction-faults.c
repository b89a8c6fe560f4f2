/* Whatever call to the host fails while a VHDX is compacted: the image is whole, what the disk says
 * of it holds, and compacting it again ends where it would have ended. A host that is full is no
 * fault. */
#include <errno.h>

#include "tests/support/vhdx-compaction-case.h"

#define STEP (256 * KIB)

/* Blocks to give up, blocks to move in several batches, a table that moves, one that is too long.
 */
static void make_case(void)
{
    begin_case(30 * MIB, MIB, STEP);
    put_blocks(0, 6);
    resize(400 * GIB);
    put_blocks(6, 9);
    resize(200 * GIB);
    give_up_blocks(DISK_UNUSED_FREE, 1, 3);
    give_up_blocks(DISK_UNUSED_BLANK, 7, 2);
    ready_case();
    memory_file_set_free_space(image, 2 * MIB);
}

/* How many blocks that were to be given up are as before. */
static size_t count_kept(const struct file *left)
{
    struct file *copy = memory_file_snapshot(left);
    size_t kept = 0;

    disk = image_open(lent_file_new(copy), &error);
    cr_assert_not_null(disk, "%s", error.message);
    for (size_t i = 0; i < the_case.block_count; i++)
        kept += the_case.blocks[i].unused &&
                byte_at(the_case.blocks[i].block * the_case.block_size) != 0;
    disk_close(disk);
    disk = NULL;
    file_close(copy);
    return kept;
}

struct counts {
    unsigned long long calls, committed, uncertain, both, untouched;
};

/* One compaction; false where nothing failed. */
static bool fail_once(struct failure *failure, size_t unused_count, struct counts *counts)
{
    struct file *left = memory_file_snapshot(image);
    struct disk *on;
    struct disk_compaction figures;
    const char *wrong;
    int result;

    failure->call = failure->calls = 0;
    on = image_open(failing_file_new(lent_file_new(left), failure), &error);
    cr_assert_not_null(on, "%s", error.message);
    failure->happened = false;
    failure->call = failure->calls + ++counts->calls;
    result = compact_once(on, &figures);
    failure->call = 0;
    cr_expect(result == 0 || failure->happened, "it failed by itself: %s", error.message);
    if (result && !on->committed && !on->uncertain)
        cr_expect_eq(count_kept(left), unused_count, "call %llu: not committed, and given up",
                     counts->calls);
    if (result && on->committed && !on->uncertain)
        counts->committed += count_kept(left) < unused_count;
    counts->uncertain += on->uncertain;
    counts->both += on->uncertain && on->committed; /* of a commit before */
    counts->untouched += memory_file_equal(left, image);
    disk_close(on);
    wrong = check_state(left);
    cr_expect_null(wrong, "call %llu: %s", counts->calls, wrong);
    file_close(left);
    return failure->happened;
}

static void fail_everywhere(struct failure failure, const char *name)
{
    struct counts counts = {0};
    size_t unused_count = count_kept(image);

    while (fail_once(&failure, unused_count, &counts))
        ;
    fprintf(stderr, "%s: %llu calls, %llu with a commit, %llu uncertain, %llu untouched\n", name,
            counts.calls, counts.committed, counts.uncertain, counts.untouched);
    cr_expect(counts.committed > 5 || unused_count == 0);
    cr_expect(counts.both > 0 || unused_count == 0);
    cr_expect_gt(counts.uncertain, 0);
    cr_expect(counts.untouched > 0 || failure.half_a_write);
}

static const struct failure once = {.errno_value = EIO};
static const struct failure full = {
    .errno_value = ENOSPC, .for_good = true, .changes_only = true, .half_a_write = true};
static const struct failure for_good = {.errno_value = EIO, .for_good = true};

Test(vhdx_compaction_faults, one_call_fails, .timeout = 300)
{
    make_case();
    fail_everywhere(once, "once");
    file_close(image);
}

Test(vhdx_compaction_faults, one_call_and_all_that_follow_fail, .timeout = 300)
{
    make_case();
    fail_everywhere(for_good, "for good");
    file_close(image);
}

Test(vhdx_compaction_faults, writes_fail_half_way, .timeout = 300)
{
    make_case();
    fail_everywhere(full, "full");
    file_close(image);
}

Test(vhdx_compaction_faults, with_a_longer_log, .timeout = 300)
{
    make_long_case();
    fail_everywhere(full, "longer log");
    file_close(image);
}

Test(vhdx_compaction_faults, with_a_log_at_the_end, .timeout = 300)
{
    make_long_case();
    leave_log_at_the_end();
    fail_everywhere((struct failure){.errno_value = EIO, .changes_only = true}, "log at the end");
    file_close(image);
}

/* A full host; the file itself is stored without holes. */
static void compact_on_full_host(const char *name)
{
    struct failure nothing = {.errno_value = ENOSPC, .full_host = true};
    struct file *dense = memory_file_snapshot(image);
    struct disk_compaction figures;
    uint64_t size;

    memory_file_set_free_space(dense, 0);
    disk = image_open(failing_file_new(lent_file_new(dense), &nothing), &error);
    cr_assert_not_null(disk, "%s", error.message);
    cr_expect_eq(compact_once(disk, &figures), 0, "%s: %s", name, error.message);
    cr_expect(!nothing.happened);
    cr_expect_null(check_disk(disk, true), "%s", name);
    disk_close(disk);
    disk = NULL;
    MUST(file_get_size(dense, &size, &error));
    cr_expect_eq(size, the_case.plan.file_size);
    file_close(dense);
    file_close(image);
}

Test(vhdx_compaction_faults, a_host_without_a_free_byte)
{
    make_case();
    compact_on_full_host("some");
    make_long_case();
    compact_on_full_host("long");
}
