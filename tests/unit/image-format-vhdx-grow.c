/* Growing a VHDX: what comes into use reads as zeros whatever other writers left there, the BAT
 * moves when it must, and the cost is no less than what happens. */
#include <errno.h>
#include <string.h>

#include "image-format/vhdx/format.h"
#include "tests/support/failing-file.h"
#include "tests/support/must.h"
#include "tests/support/vhdx-fixture.h"

static void fill(uint64_t offset, uint64_t size, int byte)
{
    uint8_t *bytes = must_allocate((size_t)size);

    memset(bytes, byte, (size_t)size);
    MUST(disk_write(disk, offset, bytes, (size_t)size, &error));
    free(bytes);
}

static void fill_and_commit(uint64_t offset, uint64_t size, int byte)
{
    MUST(disk_begin(disk, &error));
    fill(offset, size, byte);
    MUST(disk_commit(disk, &error));
}

/* A program that made the disk smaller may have left the entries behind its end. */
Test(vhdx_grow, old_entries_behind_the_end_do_not_come_back)
{
    make_image(4 * MIB, MIB, 512);
    fill_and_commit(0, 1, 1);
    put_entry(5, vhdx_entry(VHDX_BLOCK_FULLY_PRESENT, FIRST_BLOCK));
    put_entry(600, vhdx_entry(VHDX_BLOCK_FULLY_PRESENT, FIRST_BLOCK));
    reopen();
    MUST(disk_begin(disk, &error));
    cr_expect_eq(byte_at(0), 1); /* the page of entry 5 is in memory */
    MUST(disk_set_size(disk, 700 * MIB, &error));
    MUST(disk_commit(disk, &error));
    reopen();
    cr_expect_eq(byte_at(5 * MIB), 0);
    cr_expect_eq(byte_at(600 * MIB), 0);
    MUST(disk_begin(disk, &error));
    drop_image();
}

Test(vhdx_grow, old_bytes_behind_the_end_in_the_last_block_do_not_come_back)
{
    make_image(3 * MIB - 4096, MIB, 512);
    fill_and_commit(2 * MIB, 1, 1);
    MUST(file_write(image, FIRST_BLOCK + MIB - 4096, "old bytes", 10, &error));
    reopen();
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, 5 * MIB, &error));
    cr_expect_eq(byte_at(3 * MIB - 4096), 0);
    MUST(disk_commit(disk, &error));
    cr_expect_eq(byte_at(3 * MIB - 4096), 0);
    cr_expect_eq(byte_at(2 * MIB), 1);
    drop_image();
}

/* Old versions of QEMU end the file with the disk, within the last block. */
Test(vhdx_grow, a_short_last_block_is_read_while_the_disk_grows)
{
    make_image(3 * MIB - 4096, MIB, 512);
    fill_and_commit(2 * MIB, 1, 1);
    disk_close(disk);
    MUST(file_set_size(image, FIRST_BLOCK + 4096, &error));
    open_image();
    cr_expect_eq(byte_at(3 * MIB - 4097), 0);
    drop_image();

    make_image(3 * MIB - 4096, MIB, 512);
    fill_and_commit(2 * MIB, 1, 1);
    disk_close(disk);
    MUST(file_set_size(image, FIRST_BLOCK + MIB - 4096, &error));
    open_image();
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, 5 * MIB, &error));
    cr_expect_eq(byte_at(3 * MIB - 100), 0);
    fill(2 * MIB + 10, 1, 2);
    MUST(disk_commit(disk, &error));
    cr_expect_eq(byte_at(2 * MIB), 1);
    cr_expect_eq(byte_at(2 * MIB + 10), 2);
    cr_expect_eq(byte_at(3 * MIB - 100), 0);
    drop_image();
}

/* 1 MiB of BAT is enough for 131072 entries: 127.97 GiB in blocks of 1 MiB. */
Test(vhdx_grow, the_bat_stays_while_its_region_is_long_enough)
{
    uint8_t entry[8];

    make_image(4 * MIB, MIB, 512);
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, 131040 * MIB, &error)); /* 131040 + 31 bitmap entries */
    fill(131039 * MIB, 1, 7);
    MUST(disk_commit(disk, &error));
    MUST(file_read(image, BAT + 8 * (131040 + 31 - 1), entry, 8, &error));
    cr_expect_eq(get_le64(entry), vhdx_entry(VHDX_BLOCK_FULLY_PRESENT, FIRST_BLOCK));
    cr_expect_eq(image_size(), 5 * MIB);
    drop_image();
}

Test(vhdx_grow, the_bat_moves_to_the_end_and_its_old_place_is_used_again)
{
    uint8_t byte;

    make_image(4 * MIB, MIB, 512);
    fill_and_commit(0, 1, 1);
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, 200 * GIB, &error));
    fill(200 * GIB - 1, 1, 2);
    MUST(disk_commit(disk, &error));
    cr_expect_eq(image_size(), 8 * MIB, "old BAT, a block, 2 MiB of BAT, a block");
    fill_and_commit(100 * GIB, 1, 3);
    cr_expect_eq(image_size(), 8 * MIB);
    MUST(file_read(image, BAT, &byte, 1, &error));
    cr_expect_eq(byte, 3);
    MUST(file_read(image, BAT + 2, &byte, 1, &error));
    cr_expect_eq(byte, 0, "what the table held there shines through");
    reopen();
    cr_expect_eq(byte_at(0), 1);
    cr_expect_eq(byte_at(200 * GIB - 1), 2);
    cr_expect_eq(byte_at(100 * GIB), 3);
    cr_expect_eq(byte_at(100 * GIB + 1), 0);
    drop_image();
}

Test(vhdx_grow, the_bat_moves_twice_in_one_transaction)
{
    make_image(4 * MIB, MIB, 512);
    fill_and_commit(0, 1, 1);
    MUST(disk_begin(disk, &error));
    fill(MIB, 1, 2);
    MUST(disk_set_size(disk, 200 * GIB, &error));
    fill(199 * GIB, 1, 3);
    MUST(disk_set_size(disk, 1 * TIB, &error));
    fill(1000 * GIB, 1, 4);
    MUST(disk_commit(disk, &error));
    reopen();
    cr_expect_eq(byte_at(0), 1);
    cr_expect_eq(byte_at(MIB), 2);
    cr_expect_eq(byte_at(199 * GIB), 3);
    cr_expect_eq(byte_at(1000 * GIB), 4);
    MUST(disk_begin(disk, &error));
    drop_image();
}

Test(vhdx_grow, an_abort_takes_a_moved_bat_back)
{
    struct file *before;

    make_image(4 * MIB, MIB, 512);
    fill_and_commit(0, 1, 1);
    before = memory_file_snapshot(image);
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, 300 * GIB, &error));
    fill(0, 2 * MIB, 2);
    fill(299 * GIB, 1, 3);
    disk_abort(disk);
    cr_expect(memory_file_equal(image, before));
    cr_expect_eq(disk->size, 4 * MIB);
    cr_expect_eq(byte_at(0), 1);
    fill_and_commit(MIB, 1, 4);
    reopen();
    cr_expect_eq(byte_at(0), 1);
    cr_expect_eq(byte_at(MIB), 4);
    file_close(before);
    drop_image();
}

/* After a change that failed nothing is committed, and the old table is the file's. */
Test(vhdx_grow, a_bat_that_could_not_move_spoils_the_transaction)
{
    struct failure failure = {.errno_value = ENOSPC, .changes_only = true};

    make_image(4 * MIB, MIB, 512);
    fill_and_commit(0, 1, 1);
    disk_close(disk);
    disk = image_open(failing_file_new(lent_file_new(image), &failure), &error);
    MUST(disk_begin(disk, &error));
    fill(MIB, 1, 2);
    failure.call = failure.calls + 1;
    cr_expect_eq(disk_set_size(disk, 300 * GIB, &error), -1);
    cr_expect(failure.happened);
    cr_expect_eq(disk_commit(disk, &error), -1);
    disk_abort(disk);
    fill_and_commit(2 * MIB, MIB, 0xff);
    reopen();
    cr_expect_eq(byte_at(0), 1);
    cr_expect_eq(byte_at(MIB), 0);
    cr_expect_eq(byte_at(2 * MIB), 0xff);
    drop_image();
}

/* Each block in a BAT sector of its own: the log has to be larger than 1 MiB meanwhile. */
Test(vhdx_grow, the_cost_is_no_less_than_what_the_file_grows_by)
{
    struct disk_range ranges[300];
    uint64_t cost, before;

    make_image(300 * 511 * MIB, MIB, 512);
    before = image_size();
    for (uint64_t i = 0; i < 300; i++)
        ranges[i] = (struct disk_range){.offset = i * 511 * MIB, .size = 1};
    MUST(disk_growth_cost(disk, disk->size, ranges, 300, &cost, &error));
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < 300; i++)
        fill(ranges[i].offset, 1, 1);
    MUST(disk_commit(disk, &error));
    cr_expect_leq(image_size() - before, cost);
    drop_image();
}

/* More sectors of a table that moves change than are kept in memory: those that leave early are
 * in the new table, too. */
Test(vhdx_grow, a_moving_table_may_leave_memory_early)
{
    enum { COUNT = 1300 };

    make_image(4 * MIB, MIB, 512);
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, (uint64_t)COUNT * 511 * MIB, &error));
    for (uint64_t round = 0; round < 2; round++)
        for (uint64_t i = round; i < COUNT; i += 2)
            MUST(disk_write(disk, i * 511 * MIB, &(uint8_t){(uint8_t)(i % 251 + 1)}, 1, &error));
    MUST(disk_commit(disk, &error));
    reopen();
    for (uint64_t i = 0; i < COUNT; i++)
        cr_assert_eq(byte_at(i * 511 * MIB), (int)(i % 251 + 1), "block %llu",
                     (unsigned long long)(i * 511));
    drop_image();
}
