/* Reading a VHDX: extents, blocks in every state, chunks, and a table of 513 MiB that is neither
 * read nor kept. */
#include <malloc.h>
#include <string.h>

#include "image-format/vhdx/format.h"
#include "tests/support/vhdx-fixture.h"

/* A lent file that counts the bytes that are read. */
static uint64_t bytes_read;
static const struct file_operations *uncounted;

static int counted_read(struct file *file, uint64_t offset, void *buffer, size_t size,
                        struct error *read_error)
{
    bytes_read += size;
    return uncounted->read(file, offset, buffer, size, read_error);
}

static void open_counted(void)
{
    static struct file_operations operations;
    struct file *file = lent_file_new(image);

    uncounted = file->operations;
    operations = *file->operations;
    operations.read = counted_read;
    file->operations = &operations;
    bytes_read = 0;
    disk = image_open(file, &error);
    cr_assert_not_null(disk, "%s", error.message);
}

static void write_and_commit(uint64_t offset, uint8_t byte)
{
    MUST(disk_begin(disk, &error));
    MUST(disk_write(disk, offset, &byte, 1, &error));
    MUST(disk_commit(disk, &error));
}

static void expect_extent(uint64_t offset, uint64_t limit, enum disk_extent_state state,
                          uint64_t end)
{
    struct disk_extent extent;

    MUST(disk_get_extent(disk, offset, limit, &extent, &error));
    cr_expect_eq(extent.offset, offset);
    cr_expect_eq(extent.state, state, "at %llu", (unsigned long long)offset);
    cr_expect_eq(extent.offset + extent.size, end, "at %llu: ends at %llu",
                 (unsigned long long)offset, (unsigned long long)(extent.offset + extent.size));
}

Test(vhdx_read, extents_join_blocks_of_one_state)
{
    const uint64_t size = 10 * MIB - 4096;

    make_image(size, MIB, 512);
    MUST(disk_begin(disk, &error));
    MUST(disk_write(disk, 2 * MIB - 1, "xx", 2, &error));
    MUST(disk_zero(disk, 3 * MIB, 2 * MIB, &error));
    MUST(disk_write(disk, size - 1, "x", 1, &error));
    for (int committed = 0; committed < 2; committed++) {
        expect_extent(0, size, DISK_EXTENT_ABSENT, MIB);
        expect_extent(MIB, size, DISK_EXTENT_DATA, 3 * MIB);
        expect_extent(MIB + 5, 2 * MIB + 7, DISK_EXTENT_DATA, 2 * MIB + 7);
        expect_extent(3 * MIB + 1, size, DISK_EXTENT_ZERO, 5 * MIB);
        expect_extent(5 * MIB, size, DISK_EXTENT_ABSENT, 9 * MIB);
        expect_extent(9 * MIB, size, DISK_EXTENT_DATA, size);
        if (!committed)
            MUST(disk_commit(disk, &error));
    }
    drop_image();
}

Test(vhdx_read, blocks_in_every_state)
{
    make_image(8 * MIB, MIB, 512);
    write_and_commit(0, 7);
    disk_close(disk);
    put_entry(1, vhdx_entry(VHDX_BLOCK_NOT_PRESENT, FIRST_BLOCK));
    put_entry(2, vhdx_entry(VHDX_BLOCK_UNDEFINED, FIRST_BLOCK));
    put_entry(3, vhdx_entry(VHDX_BLOCK_ZERO, FIRST_BLOCK));
    put_entry(4, vhdx_entry(VHDX_BLOCK_UNMAPPED, FIRST_BLOCK));
    put_entry(5, vhdx_entry(VHDX_BLOCK_UNMAPPED_DRAFT, FIRST_BLOCK));
    open_image();
    cr_expect_eq(byte_at(0), 7);
    for (uint64_t i = 1; i < 6; i++)
        cr_expect_eq(byte_at(i * MIB), 0);
    expect_extent(MIB, 8 * MIB, DISK_EXTENT_ABSENT, 3 * MIB);
    expect_extent(3 * MIB, 8 * MIB, DISK_EXTENT_ZERO, 4 * MIB);
    expect_extent(4 * MIB, 8 * MIB, DISK_EXTENT_ABSENT, 8 * MIB);
    drop_image();
}

/* Who copies extents must not take a block that can't be read for one that isn't there. */
Test(vhdx_read, a_block_in_an_unknown_state_is_no_part_of_an_extent)
{
    const unsigned bad[] = {4, VHDX_BLOCK_PARTIALLY_PRESENT, VHDX_BLOCK_FULLY_PRESENT};

    for (int i = 0; i < 3; i++) {
        struct disk_extent extent;

        make_image(8 * MIB, MIB, 512);
        put_entry(4, bad[i]);
        if (bad[i] == VHDX_BLOCK_FULLY_PRESENT)
            put_entry(3, vhdx_entry(VHDX_BLOCK_FULLY_PRESENT, MIB));
        expect_extent(0, 8 * MIB, DISK_EXTENT_ABSENT,
                      bad[i] == VHDX_BLOCK_FULLY_PRESENT ? 3 * MIB : 4 * MIB);
        cr_expect_eq(disk_get_extent(disk, 4 * MIB, 8 * MIB, &extent, &error), -1);
        cr_expect_eq(error.kind, ERROR_CORRUPT);
        if (bad[i] == VHDX_BLOCK_FULLY_PRESENT)
            expect_extent(3 * MIB, 8 * MIB, DISK_EXTENT_DATA, 4 * MIB);
        drop_image();
    }
}

/* The entry behind each chunk is a bitmap's: 4 GiB with sectors of 512 bytes, 32 GiB with 4096. */
Test(vhdx_read, blocks_on_both_sides_of_a_chunk)
{
    const uint32_t sectors[] = {512, 4096}, blocks[] = {MIB, 32 * MIB, 256 * MIB};

    for (int i = 0; i < 6; i++) {
        uint32_t block = blocks[i / 2];
        uint64_t chunk = (uint64_t)sectors[i % 2] << 23, index = chunk / block;
        uint8_t entry[8];

        make_image(chunk + 2 * (uint64_t)block, block, sectors[i % 2]);
        write_and_commit(chunk - 1, 1);
        write_and_commit(chunk, 2);
        MUST(file_read(image, BAT + 8 * (index - 1), entry, 8, &error));
        cr_expect_eq(get_le64(entry), vhdx_entry(VHDX_BLOCK_FULLY_PRESENT, FIRST_BLOCK));
        MUST(file_read(image, BAT + 8 * index, entry, 8, &error));
        cr_expect_eq(get_le64(entry), 0);
        MUST(file_read(image, BAT + 8 * (index + 1), entry, 8, &error));
        cr_expect_eq(get_le64(entry), vhdx_entry(VHDX_BLOCK_FULLY_PRESENT, FIRST_BLOCK + block));
        cr_expect_eq(byte_at(chunk - 1), 1);
        cr_expect_eq(byte_at(chunk), 2);
        drop_image();
    }
}

static uint64_t memory_in_use(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

Test(vhdx_read, a_table_of_513_mib_is_neither_read_nor_kept)
{
    uint64_t before;

    make_image(64 * TIB, MIB, 512);
    write_and_commit(64 * TIB - 1, 1);
    write_and_commit(17 * TIB, 2);
    disk_close(disk);
    before = memory_in_use();
    open_counted();
    cr_expect_lt(bytes_read, 512 * KIB, "to open: %llu", (unsigned long long)bytes_read);
    cr_expect_eq(byte_at(64 * TIB - 1), 1);
    cr_expect_eq(byte_at(17 * TIB), 2);
    cr_expect_lt(bytes_read, 512 * KIB, "to read: %llu", (unsigned long long)bytes_read);
    cr_expect_lt(memory_in_use() - before, 16 * MIB);
    write_and_commit(5 * TIB, 3);
    cr_expect_lt(bytes_read, 4 * MIB, "to change: %llu", (unsigned long long)bytes_read);
    for (uint64_t i = 0; i < 16384; i++)
        byte_at(i * 4 * GIB);
    cr_expect_lt(memory_in_use() - before, 32 * MIB, "after reading all over");
    drop_image();
}
