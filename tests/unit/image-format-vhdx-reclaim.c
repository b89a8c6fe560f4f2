/* Giving the host back what commits since opening freed: as much as that and no more. */
#include <errno.h>
#include <string.h>

#include "image-format/vhdx/format.h"
#include "tests/support/failing-file.h"
#include "tests/support/vhdx-fixture.h"

static void forget_and_commit(uint64_t first_block, uint64_t count)
{
    MUST(disk_begin(disk, &error));
    MUST(disk_forget(disk, first_block * MIB, count * MIB, &error));
    MUST(disk_commit(disk, &error));
}

/* Ten blocks of 1 MiB, each with its number in every 100000th byte, in the file's order. */
static void make_full_image(void)
{
    make_image(16 * MIB, MIB, 512);
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < 10 * MIB; i += 100000)
        MUST(disk_write(disk, i, &(uint8_t){(uint8_t)(1 + i / MIB)}, 1, &error));
    MUST(disk_commit(disk, &error));
    disk_close(disk);
    open_image();
}

static uint64_t entry_of(uint64_t block)
{
    uint8_t bytes[8];

    MUST(file_read(image, BAT + 8 * block, bytes, sizeof bytes, &error));
    return get_le64(bytes);
}

/* The place of a block, in blocks behind the tables. */
static uint64_t place_of(uint64_t block)
{
    return (vhdx_entry_offset(entry_of(block)) - FIRST_BLOCK) / MIB;
}

static void expect_blocks(uint64_t first, uint64_t end)
{
    for (uint64_t i = 0; i < 10 * MIB; i += 100000) {
        uint8_t byte;

        MUST(disk_read(disk, i, &byte, 1, &error));
        cr_assert_eq(byte, i / MIB < first || i / MIB >= end ? 0 : 1 + i / MIB, "byte %llu",
                     (unsigned long long)i);
    }
}

Test(vhdx_reclaim, the_end_moves_into_the_holes)
{
    make_full_image();
    forget_and_commit(0, 3);
    cr_expect_eq(image_size(), FIRST_BLOCK + 10 * MIB);
    MUST(disk_reclaim(disk, &error));
    cr_expect_eq(image_size(), FIRST_BLOCK + 7 * MIB);
    expect_blocks(3, 10);
    cr_expect_eq(place_of(6), 6, "a block moved that was in nobody's way");
    disk_close(disk);
    open_image();
    expect_blocks(3, 10);
    MUST(disk_begin(disk, &error));
    drop_image();
}

Test(vhdx_reclaim, what_was_freed_at_the_end_is_cut_off)
{
    make_full_image();
    forget_and_commit(7, 3);
    MUST(disk_reclaim(disk, &error));
    cr_expect_eq(image_size(), FIRST_BLOCK + 7 * MIB);
    expect_blocks(0, 7);
    drop_image();
}

Test(vhdx_reclaim, holes_of_earlier_sessions_stay)
{
    make_full_image();
    forget_and_commit(0, 3);
    disk_close(disk);
    open_image();
    forget_and_commit(9, 1);
    MUST(disk_reclaim(disk, &error));
    cr_expect_eq(image_size(), FIRST_BLOCK + 9 * MIB);
    cr_expect_eq(place_of(8), 8);
    forget_and_commit(3, 1);
    MUST(disk_reclaim(disk, &error));
    cr_expect_eq(image_size(), FIRST_BLOCK + 8 * MIB);
    expect_blocks(4, 9);
    drop_image();
}

Test(vhdx_reclaim, several_commits_are_reclaimed_in_one_go)
{
    make_full_image();
    forget_and_commit(0, 1);
    forget_and_commit(1, 1);
    forget_and_commit(2, 1);
    MUST(disk_reclaim(disk, &error));
    cr_expect_eq(image_size(), FIRST_BLOCK + 7 * MIB);
    expect_blocks(3, 10);
    MUST(disk_reclaim(disk, &error));
    cr_expect_eq(image_size(), FIRST_BLOCK + 7 * MIB);
    drop_image();
}

/* Block 9 was unmapped by somebody: what it held goes with it, and the draft's 5 becomes a 3. */
Test(vhdx_reclaim, an_unmapped_block_moves_with_its_content)
{
    uint8_t entry[8], byte;

    make_full_image();
    disk_close(disk);
    put_le64(entry, vhdx_entry(VHDX_BLOCK_UNMAPPED_DRAFT, FIRST_BLOCK + 9 * MIB));
    MUST(file_write(image, BAT + 8 * 9, entry, sizeof entry, &error));
    open_image();
    forget_and_commit(0, 1);
    MUST(disk_reclaim(disk, &error));
    cr_expect_eq(image_size(), FIRST_BLOCK + 9 * MIB);
    cr_expect_eq(entry_of(9), vhdx_entry(VHDX_BLOCK_UNMAPPED, FIRST_BLOCK));
    MUST(file_read(image, FIRST_BLOCK + 500000 - (9 * MIB + 500000) % 100000, &byte, 1, &error));
    cr_expect_eq(byte, 10);
    drop_image();
}

/* What couldn't be cut off holds old bytes: a block that comes to lie there must not show them. */
Test(vhdx_reclaim, a_file_that_could_not_be_cut_off_shows_no_old_bytes)
{
    struct failure failure = {.errno_value = EIO, .changes_only = true};
    uint8_t byte;

    make_full_image();
    disk_close(disk);
    disk = image_open(failing_file_new(lent_file_new(image), &failure), &error);
    forget_and_commit(5, 5);
    failure.call = failure.calls + 1;
    cr_expect_eq(disk_reclaim(disk, &error), -1);
    cr_expect(failure.happened);
    MUST(disk_begin(disk, &error));
    MUST(disk_write(disk, 12 * MIB, "x", 1, &error));
    MUST(disk_commit(disk, &error));
    for (uint64_t i = 1; i < MIB; i++) {
        MUST(disk_read(disk, 12 * MIB + i, &byte, 1, &error));
        cr_assert_eq(byte, 0, "byte %llu", (unsigned long long)i);
    }
    expect_blocks(0, 5);
    drop_image();
}

/* Whatever fails: what is left is the disk, whole. */
Test(vhdx_reclaim, any_failure_leaves_the_disk)
{
    struct failure failure = {.errno_value = EIO, .half_a_write = true, .for_good = true};
    struct file *start;
    uint64_t round = 0;

    make_full_image();
    forget_and_commit(0, 3);
    disk_close(disk);
    start = image;
    do {
        image = memory_file_snapshot(start);
        failure.calls = failure.call = 0;
        disk = image_open(failing_file_new(lent_file_new(image), &failure), &error);
        cr_assert_not_null(disk);
        forget_and_commit(3, 2);
        failure.happened = false;
        failure.call = failure.calls + ++round;
        cr_expect_eq(disk_reclaim(disk, &error), failure.happened ? -1 : 0);
        disk_close(disk);
        open_image();
        expect_blocks(5, 10);
        MUST(disk_begin(disk, &error));
        expect_blocks(5, 10);
        drop_image();
    } while (failure.happened);
    cr_expect_gt(round, 10);
    file_close(start);
}
