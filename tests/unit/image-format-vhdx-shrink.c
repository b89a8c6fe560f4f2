/* Making a VHDX's disk smaller: what is cut off is gone with the commit and not before, its entries
 * are 0 and its places free, and the cost is no less than what happens. */
#include <string.h>

#include "image-format/vhdx/format.h"
#include "tests/support/must.h"
#include "tests/support/vhdx-fixture.h"

static void put_byte(uint64_t offset, uint8_t byte)
{
    MUST(disk_write(disk, offset, &byte, 1, &error));
}

static void set_size(uint64_t size)
{
    MUST(disk_set_size(disk, size, &error));
}

static void commit(void)
{
    MUST(disk_commit(disk, &error));
}

/* A disk of 8 MiB in which the byte 700 KiB into block i is i + 1. */
static void make_full_image(void)
{
    make_image(8 * MIB, MIB, 512);
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < 8; i++)
        put_byte(i * MIB + 700 * KIB, (uint8_t)(i + 1));
    commit();
}

/* Of the disk, or, behind its back, of the file. */
static void expect_blocks(struct disk *of, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint8_t byte;

        MUST(disk_read(of, i * MIB + 700 * KIB, &byte, 1, &error));
        cr_expect_eq(byte, i + 1, "block %llu", (unsigned long long)i);
    }
}

static void expect_blocks_in_file(uint64_t count)
{
    struct disk *other = image_open(memory_file_snapshot(image), &error);

    cr_assert_not_null(other, "%s", error.message);
    cr_expect_eq(other->size, count * MIB);
    expect_blocks(other, count);
    disk_close(other);
}

static uint64_t entry_at(uint64_t index)
{
    uint8_t entry[8];

    MUST(file_read(image, BAT + 8 * index, entry, sizeof entry, &error));
    return get_le64(entry);
}

Test(vhdx_shrink, what_is_cut_off_leaves_the_table_with_the_commit)
{
    make_full_image();
    MUST(disk_begin(disk, &error));
    set_size(3 * MIB);
    cr_expect_eq(disk->size, 3 * MIB);
    expect_blocks_in_file(8);
    commit();
    expect_blocks_in_file(3);
    for (uint64_t i = 0; i < 8; i++)
        cr_expect_eq(entry_at(i) != 0, i < 3, "entry %llu", (unsigned long long)i);
    drop_image();
}

Test(vhdx_shrink, the_places_are_used_again_and_the_file_gets_shorter)
{
    uint64_t full;

    make_full_image();
    full = image_size();
    MUST(disk_begin(disk, &error));
    set_size(3 * MIB);
    commit();
    MUST(disk_begin(disk, &error));
    put_byte(2 * MIB, 9);
    commit();
    cr_expect_eq(image_size(), full);
    MUST(disk_reclaim(disk, &error));
    cr_expect_eq(image_size(), full - 5 * MIB);
    reopen();
    expect_blocks(disk, 3);
    MUST(disk_begin(disk, &error));
    drop_image();
}

/* V3: until the commit, the places hold what they held. */
Test(vhdx_shrink, what_is_cut_off_is_there_until_the_commit)
{
    uint64_t full;

    make_full_image();
    full = image_size();
    MUST(disk_begin(disk, &error));
    set_size(3 * MIB);
    set_size(8 * MIB);
    for (uint64_t i = 0; i < 8; i++)
        put_byte(i * MIB, 0xff);
    expect_blocks_in_file(8);
    disk_abort(disk);
    expect_blocks(disk, 8);
    expect_blocks_in_file(8);
    cr_expect_eq(image_size(), full);
    drop_image();
}

Test(vhdx_shrink, the_rest_of_the_last_block_does_not_come_back)
{
    make_full_image();
    MUST(disk_begin(disk, &error));
    set_size(2 * MIB + 4096);
    commit();
    reopen();
    MUST(disk_begin(disk, &error));
    set_size(5 * MIB);
    commit();
    expect_blocks(disk, 2);
    for (uint64_t i = 2; i < 5; i++)
        cr_expect_eq(byte_at(i * MIB + 700 * KIB), 0);
    drop_image();
}

/* V1: the committed disk has those bytes yet. */
Test(vhdx_shrink, the_rest_of_the_last_block_comes_back_with_an_abort_only)
{
    for (int keep = 0; keep < 2; keep++) {
        make_full_image();
        MUST(disk_begin(disk, &error));
        set_size(2 * MIB + 4096);
        set_size(8 * MIB);
        for (uint64_t i = 2; i < 8; i++)
            cr_expect_eq(byte_at(i * MIB + 700 * KIB), 0);
        expect_blocks(disk, 2);
        expect_blocks_in_file(8);
        if (keep)
            commit();
        else
            disk_abort(disk);
        reopen();
        cr_expect_eq(disk->size, 8 * MIB);
        expect_blocks(disk, keep ? 2 : 8);
        cr_expect_eq(byte_at(2 * MIB + 700 * KIB), keep ? 0 : 3);
        drop_image();
    }
}

/* The block that was written meanwhile, too. */
Test(vhdx_shrink, a_new_block_is_cut_like_an_old_one)
{
    make_full_image();
    MUST(disk_begin(disk, &error));
    set_size(20 * MIB);
    put_byte(15 * MIB + 5000, 77);
    put_byte(19 * MIB, 78);
    set_size(15 * MIB + 4096);
    set_size(20 * MIB);
    commit();
    cr_expect_eq(byte_at(15 * MIB + 5000), 0);
    cr_expect_eq(byte_at(19 * MIB), 0);
    expect_blocks(disk, 8);
    cr_expect_eq(entry_at(19), 0);
    drop_image();
}

/* What is kept by the block is enough for the disk that an abort brings back. */
Test(vhdx_shrink, an_abort_after_smaller_and_larger_sizes)
{
    make_full_image();
    MUST(disk_begin(disk, &error));
    set_size(30000 * MIB);
    put_byte(29000 * MIB, 5);
    commit();
    MUST(disk_begin(disk, &error));
    set_size(MIB);
    set_size(200 * GIB); /* the table moves */
    put_byte(180 * GIB, 6);
    set_size(2 * MIB);
    put_byte(MIB, 6);
    disk_abort(disk);
    MUST(disk_begin(disk, &error));
    put_byte(29000 * MIB + 1, 7);
    commit();
    reopen();
    cr_expect_eq(disk->size, 30000 * MIB);
    expect_blocks(disk, 8);
    cr_expect_eq(byte_at(29000 * MIB), 5);
    cr_expect_eq(byte_at(29000 * MIB + 1), 7);
    drop_image();
}

Test(vhdx_shrink, the_bat_keeps_its_place)
{
    uint64_t size;

    make_image(200 * GIB, MIB, 512);
    MUST(disk_begin(disk, &error));
    put_byte(0, 1);
    put_byte(200 * GIB - 1, 2);
    commit();
    size = image_size();
    MUST(disk_begin(disk, &error));
    set_size(MIB);
    commit();
    MUST(disk_begin(disk, &error));
    set_size(200 * GIB);
    commit();
    cr_expect_eq(image_size(), size);
    cr_expect_eq(byte_at(0), 1);
    cr_expect_eq(byte_at(200 * GIB - 1), 0);
    drop_image();
}

Test(vhdx_shrink, a_disk_has_at_least_a_sector_and_whole_ones)
{
    make_image(8 * MIB, MIB, 4096);
    MUST(disk_begin(disk, &error));
    put_byte(4095, 1);
    cr_expect_eq(disk_set_size(disk, 0, &error), -1);
    cr_expect_eq(error.kind, ERROR_REFUSED);
    disk_abort(disk);
    MUST(disk_begin(disk, &error));
    cr_expect_eq(disk_set_size(disk, 4096 + 512, &error), -1);
    cr_expect_eq(error.kind, ERROR_REFUSED);
    disk_abort(disk);
    MUST(disk_begin(disk, &error));
    put_byte(4095, 1);
    set_size(4096);
    commit();
    reopen();
    cr_expect_eq(disk->size, 4096);
    cr_expect_eq(byte_at(4095), 1);
    drop_image();
}

/* Each block in a BAT sector of its own, and more of them than the log holds. */
Test(vhdx_shrink, the_cost_is_no_less_than_what_the_file_grows_by)
{
    enum { COUNT = 2000 };
    struct disk_range range = {.offset = 0, .size = 1};
    uint64_t cost, before;

    make_image(64 * TIB, MIB, 512);
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < COUNT; i++)
        put_byte(i * 64 * TIB / COUNT, 1);
    commit();
    before = image_size();
    MUST(disk_growth_cost(disk, GIB, &range, 1, &cost, &error));
    cr_expect_leq(cost, 9 * MIB + MIB, "2000 sectors of 4 KiB in a log, and a block");
    MUST(disk_begin(disk, &error));
    put_byte(0, 2);
    set_size(GIB);
    commit();
    cr_expect_gt(image_size(), before);
    cr_expect_leq(image_size() - before, cost);
    MUST(disk_reclaim(disk, &error));
    cr_expect_eq(image_size(), 517 * MIB, "headers, log, metadata, 513 MiB of BAT, a block");
    reopen();
    cr_expect_eq(disk->size, GIB);
    cr_expect_eq(byte_at(0), 2);
    MUST(disk_begin(disk, &error));
    drop_image();
}
