/* Compaction of a VHDX: what is given up, where the rest goes, and that the plan tells it before.
 */
#include <string.h>

#include "image-format/vhdx/format.h"
#include "tests/support/vhdx-fixture.h"

/* Blocks of 1 MiB, each with its number in every 100000th byte, in the file's order. */
static void make_full_image(uint64_t blocks, uint32_t block_size)
{
    make_image(2 * blocks * block_size, block_size, 512);
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < blocks * block_size; i += 100000)
        MUST(disk_write(disk, i, &(uint8_t){(uint8_t)(1 + i / block_size)}, 1, &error));
    MUST(disk_commit(disk, &error));
    reopen();
}

static void expect_block(uint64_t block, uint32_t block_size, bool is_there)
{
    for (uint64_t i = round_up(block * block_size, 100000); i < (block + 1) * block_size;
         i += 100000)
        cr_assert_eq(byte_at(i), is_there ? 1 + (int)block : 0, "byte %llu", (unsigned long long)i);
}

static uint64_t entry_of(uint64_t block)
{
    uint8_t bytes[8];

    MUST(file_read(image, BAT + 8 * block, bytes, sizeof bytes, &error));
    return get_le64(bytes);
}

static struct guid data_write_id(void)
{
    struct vhdx_header headers[2];
    uint8_t bytes[VHDX_HEADER_SIZE];

    for (int i = 0; i < 2; i++) {
        MUST(file_read(image, vhdx_header_offsets[i], bytes, sizeof bytes, &error));
        cr_assert(vhdx_header_decode(bytes, &headers[i]));
    }
    return headers[headers[1].sequence > headers[0].sequence].data_write;
}

/* Plans and compacts; the file ends where the plan says. */
static struct disk_compaction compact(const struct disk_unused *unused, size_t count)
{
    struct disk_compaction *plan, figures;

    MUST(disk_plan_compaction(disk, unused, count, &plan, &error));
    figures = *plan;
    MUST(disk_compact(disk, plan, NULL, &error));
    cr_expect_eq(image_size(), figures.file_size);
    disk_compaction_free(plan);
    return figures;
}

Test(vhdx_compaction, holes_are_filled_from_the_end)
{
    const struct disk_unused unused[] = {{DISK_UNUSED_FREE, 1 * MIB, 2 * MIB},
                                         {DISK_UNUSED_FREE, 5 * MIB, 1 * MIB}};
    struct disk_compaction figures;

    make_full_image(10, MIB);
    figures = compact(unused, 2);
    cr_expect_eq(image_size(), FIRST_BLOCK + 7 * MIB);
    cr_expect_eq(figures.given_back, 3 * MIB);
    cr_expect_eq(figures.forgotten, 3 * MIB);
    cr_expect_eq(figures.moved, 3 * MIB);
    reopen();
    for (uint64_t block = 0; block < 10; block++)
        expect_block(block, MIB, block != 1 && block != 2 && block != 5);
    drop_image();
}

Test(vhdx_compaction, a_plan_writes_nothing)
{
    const struct disk_unused unused = {DISK_UNUSED_FREE, 0, 5 * MIB};
    struct disk_compaction *plan;
    uint64_t written;

    make_full_image(10, MIB);
    written = disk->bytes_written;
    MUST(disk_plan_compaction(disk, &unused, 1, &plan, &error));
    cr_expect_eq(disk->bytes_written, written);
    cr_expect_eq(plan->given_back, 5 * MIB);
    disk_compaction_free(plan);
    drop_image();
}

Test(vhdx_compaction, a_second_one_writes_nothing)
{
    const struct disk_unused unused = {DISK_UNUSED_FREE, 2 * MIB, 4 * MIB};
    struct disk_compaction figures;

    make_full_image(10, MIB);
    compact(&unused, 1);
    reopen();
    figures = compact(&unused, 1);
    cr_expect_eq(figures.given_back, 0);
    cr_expect_eq(disk->bytes_written, 0);
    drop_image();
}

Test(vhdx_compaction, what_must_read_as_zeros_gets_that_state)
{
    const struct disk_unused unused[] = {{DISK_UNUSED_FREE, 0, MIB},
                                         {DISK_UNUSED_BLANK, MIB, MIB},
                                         {DISK_UNUSED_ZEROS, 2 * MIB, MIB}};

    make_full_image(4, MIB);
    compact(unused, 3);
    cr_expect_eq(entry_of(0), VHDX_BLOCK_NOT_PRESENT);
    cr_expect_eq(entry_of(1), VHDX_BLOCK_ZERO);
    cr_expect_eq(entry_of(2), VHDX_BLOCK_ZERO);
    expect_block(3, MIB, true);
    drop_image();
}

Test(vhdx_compaction, the_data_write_id_changes_only_with_what_can_be_seen)
{
    const struct disk_unused zeros = {DISK_UNUSED_ZEROS, 0, MIB};
    const struct disk_unused free_block = {DISK_UNUSED_FREE, MIB, MIB};
    struct guid before, after;

    make_full_image(4, MIB);
    before = data_write_id();
    compact(&zeros, 1);
    reopen();
    after = data_write_id();
    cr_expect(guid_equal(&after, &before), "zeros stay zeros");
    compact(&free_block, 1);
    after = data_write_id();
    cr_expect(!guid_equal(&after, &before));
    drop_image();
}

Test(vhdx_compaction, blocks_of_32_MiB)
{
    const struct disk_unused unused = {DISK_UNUSED_FREE, 32 * MIB, 32 * MIB};

    make_full_image(4, 32 * MIB);
    compact(&unused, 1);
    cr_expect_eq(image_size(), FIRST_BLOCK + 3 * 32 * MIB);
    for (uint64_t block = 0; block < 4; block++)
        expect_block(block, 32 * MIB, block != 1);
    drop_image();
}

/* Growing puts the table behind the blocks; with free blocks before it, it goes back. */
Test(vhdx_compaction, a_table_at_the_end_moves_into_a_hole)
{
    const struct disk_unused unused = {DISK_UNUSED_FREE, 4 * MIB, 8 * MIB};
    struct disk_compaction figures;

    make_full_image(16, MIB);
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, 200 * GIB, &error));
    MUST(disk_commit(disk, &error));
    MUST(disk_reclaim(disk, &error));
    /* 1.6 MiB of table in 2 units, behind 16 blocks; the place of the old one stays a hole. */
    cr_assert_eq(image_size(), FIRST_BLOCK + 16 * MIB + 2 * MIB);
    reopen();
    figures = compact(&unused, 1);
    cr_expect_eq(image_size(), FIRST_BLOCK + 7 * MIB + 2 * MIB);
    cr_expect_eq(figures.given_back, 9 * MIB);
    reopen();
    cr_expect_eq(disk->size, 200 * GIB);
    for (uint64_t block = 0; block < 16; block++)
        expect_block(block, MIB, block < 4 || block >= 12);
    drop_image();
}

Test(vhdx_compaction, a_table_that_is_too_long_is_cut_short)
{
    struct disk_compaction figures;

    make_full_image(4, MIB);
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, 2 * TIB, &error));
    MUST(disk_commit(disk, &error));
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, 8 * MIB, &error));
    MUST(disk_commit(disk, &error));
    reopen();
    figures = compact(NULL, 0);
    cr_expect_geq(figures.given_back, 15 * MIB);
    cr_expect_eq(image_size(), FIRST_BLOCK + 4 * MIB);
    reopen();
    for (uint64_t block = 0; block < 4; block++)
        expect_block(block, MIB, true);
    compact(NULL, 0);
    cr_expect_eq(disk->bytes_written, 0);
    drop_image();
}

static bool yes(void)
{
    return true;
}

Test(vhdx_compaction, a_signal_ends_it_before_the_next_commit)
{
    const struct disk_unused unused = {DISK_UNUSED_FREE, 0, MIB};
    const struct disk_watch watch = {.interrupted = yes};
    struct disk_compaction *plan;

    make_full_image(4, MIB);
    MUST(disk_plan_compaction(disk, &unused, 1, &plan, &error));
    cr_expect_eq(disk_compact(disk, plan, &watch, &error), -1);
    cr_expect_eq(error.kind, ERROR_INTERRUPTED);
    cr_expect(!disk->committed);
    disk_compaction_free(plan);
    reopen();
    expect_block(0, MIB, true);
    drop_image();
}

/* An image whose last blocks are to move into two holes. */
static struct disk_compaction *plan_a_move(void)
{
    struct disk_compaction *plan;

    make_full_image(6, MIB);
    MUST(disk_begin(disk, &error));
    MUST(disk_forget(disk, 0, 2 * MIB, &error));
    MUST(disk_commit(disk, &error));
    MUST(disk_plan_compaction(disk, NULL, 0, &plan, &error));
    cr_assert_eq(plan->moved, 2 * MIB);
    return plan;
}

static void expect_stale(struct disk_compaction *plan)
{
    cr_expect_eq(disk_compact(disk, plan, NULL, &error), -1);
    cr_expect_eq(error.kind, ERROR_SYSTEM, "%s", error.message);
    disk_compaction_free(plan);
    reopen();
    for (uint64_t block = 2; block < 5; block++)
        expect_block(block, MIB, true);
}

/* Somebody made a change after planning it, and has the hole now. */
Test(vhdx_compaction, a_plan_whose_hole_is_taken_overwrites_nothing)
{
    struct disk_compaction *plan = plan_a_move();

    MUST(disk_begin(disk, &error));
    MUST(disk_write(disk, 7 * MIB, "new", 3, &error));
    MUST(disk_commit(disk, &error));
    expect_stale(plan);
    cr_expect_eq(byte_at(7 * MIB), 'n');
    drop_image();
}

Test(vhdx_compaction, a_plan_whose_block_is_gone_brings_nothing_back)
{
    struct disk_compaction *plan = plan_a_move();

    MUST(disk_begin(disk, &error));
    MUST(disk_zero(disk, 5 * MIB, MIB, &error));
    MUST(disk_commit(disk, &error));
    expect_stale(plan);
    expect_block(5, MIB, false);
    drop_image();
}
