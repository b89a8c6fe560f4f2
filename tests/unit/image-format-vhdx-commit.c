/* What a commit does to a VHDX beside the disk's contents: ids, headers, log, region tables, and
 * what others have put there. */
#include <string.h>

#include "base/cleanup.h"
#include "image-format/vhdx/format.h"
#include "tests/support/must.h"
#include "tests/support/vhdx-fixture.h"

static void write_byte(uint64_t offset, uint8_t byte)
{
    MUST(disk_write(disk, offset, &byte, 1, &error));
}

static void write_and_commit(uint64_t offset, uint8_t byte)
{
    MUST(disk_begin(disk, &error));
    write_byte(offset, byte);
    MUST(disk_commit(disk, &error));
}

static struct vhdx_header header_at(int index)
{
    uint8_t bytes[VHDX_HEADER_SIZE];
    struct vhdx_header header;

    MUST(file_read(image, vhdx_header_offsets[index], bytes, sizeof bytes, &error));
    cr_assert(vhdx_header_decode(bytes, &header));
    return header;
}

static struct vhdx_header current_header(void)
{
    struct vhdx_header first = header_at(0), second = header_at(1);

    return first.sequence > second.sequence ? first : second;
}

#define NEW_FILE_WRITE 1
#define NEW_DATA_WRITE 2

/* Which ids aren't those of before any more. */
static int new_ids(const struct vhdx_header *before)
{
    struct vhdx_header now = current_header();

    return (guid_equal(&now.file_write, &before->file_write) ? 0 : NEW_FILE_WRITE) |
           (guid_equal(&now.data_write, &before->data_write) ? 0 : NEW_DATA_WRITE);
}

Test(vhdx_ids, reading_changes_nothing)
{
    struct file *before;

    make_image(4 * MIB, MIB, 512);
    write_and_commit(0, 1);
    disk_close(disk);
    before = memory_file_snapshot(image);
    open_image();
    cr_expect_eq(byte_at(0), 1);
    MUST(disk_reclaim(disk, &error));
    disk_close(disk);
    cr_expect(memory_file_equal(image, before));
    file_close(before);
    file_close(image);
}

Test(vhdx_ids, the_file_write_id_is_new_with_the_first_change_of_a_session)
{
    struct vhdx_header before;

    make_image(4 * MIB, MIB, 512);
    before = current_header();
    MUST(disk_begin(disk, &error));
    cr_expect_eq(new_ids(&before), NEW_FILE_WRITE);
    before = current_header();
    disk_abort(disk);
    write_and_commit(0, 1);
    cr_expect_eq(new_ids(&before), NEW_DATA_WRITE);
    before = current_header();
    write_and_commit(0, 2);
    cr_expect_eq(new_ids(&before), 0, "once a session");
    disk_close(disk);
    open_image();
    write_and_commit(0, 3);
    cr_expect_eq(new_ids(&before), NEW_FILE_WRITE | NEW_DATA_WRITE);
    drop_image();
}

Test(vhdx_ids, the_data_write_id_changes_with_the_commit)
{
    struct vhdx_header before;

    make_image(4 * MIB, MIB, 512);
    before = current_header();
    MUST(disk_begin(disk, &error));
    write_byte(0, 1);
    cr_expect_eq(new_ids(&before), NEW_FILE_WRITE);
    MUST(disk_commit(disk, &error));
    cr_expect_eq(new_ids(&before), NEW_FILE_WRITE | NEW_DATA_WRITE);
    drop_image();
}

Test(vhdx_ids, the_data_write_id_changes_before_a_write_in_place)
{
    struct vhdx_header before;
    uint8_t byte;

    make_image(4 * MIB, MIB, 512);
    write_and_commit(0, 1);
    disk_close(disk);
    open_image();
    before = current_header();
    MUST(disk_begin(disk, &error));
    MUST(disk_write_unreferenced(disk, 5, "x", 1, &error));
    cr_expect_eq(new_ids(&before), NEW_FILE_WRITE | NEW_DATA_WRITE);
    MUST(file_read(image, FIRST_BLOCK + 5, &byte, 1, &error));
    cr_expect_eq(byte, 'x');
    disk_abort(disk);
    drop_image();
}

Test(vhdx_ids, the_data_write_id_changes_with_the_size)
{
    struct vhdx_header before;

    for (uint64_t size = 3 * MIB; size <= 5 * MIB; size += 2 * MIB) {
        make_image(4 * MIB, MIB, 512);
        before = current_header();
        MUST(disk_begin(disk, &error));
        MUST(disk_set_size(disk, size, &error));
        MUST(disk_commit(disk, &error));
        cr_expect(new_ids(&before) & NEW_DATA_WRITE);
        drop_image();
    }
}

Test(vhdx_ids, the_data_write_id_stays_when_blocks_only_move)
{
    struct vhdx_header before;
    uint64_t size;

    make_image(8 * MIB, MIB, 512);
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < 6; i++)
        write_byte(i * MIB, 1);
    MUST(disk_commit(disk, &error));
    MUST(disk_begin(disk, &error));
    MUST(disk_forget(disk, 0, 2 * MIB, &error));
    MUST(disk_commit(disk, &error));
    before = current_header();
    size = image_size();
    MUST(disk_reclaim(disk, &error));
    cr_expect_eq(image_size(), size - 2 * MIB);
    cr_expect_eq(new_ids(&before), 0);
    cr_expect_gt(current_header().sequence, before.sequence, "blocks were to move");
    drop_image();
}

Test(vhdx_commit, both_headers_say_the_same_afterwards)
{
    struct vhdx_header first, second;

    make_image(4 * MIB, MIB, 512);
    write_and_commit(0, 1);
    first = header_at(0);
    second = header_at(1);
    cr_expect(first.sequence + 1 == second.sequence || second.sequence + 1 == first.sequence);
    cr_expect(guid_equal(&first.file_write, &second.file_write));
    cr_expect(guid_equal(&first.data_write, &second.data_write));
    cr_expect(guid_is_zero(&first.log));
    cr_expect(guid_is_zero(&second.log));
    drop_image();
}

/* 300 sectors of BAT don't fit into 1 MiB of log. */
Test(vhdx_commit, a_log_that_had_to_be_larger_is_given_back)
{
    const uint64_t apart = 512 * MIB, count = 300;
    uint64_t size;

    make_image(apart * count, MIB, 512);
    size = image_size();
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < count; i++)
        write_byte(i * apart, (uint8_t)i);
    MUST(disk_commit(disk, &error));
    cr_expect_eq(current_header().log_offset, MIB);
    cr_expect_eq(current_header().log_length, MIB);
    cr_expect_gt(image_size(), size + count * MIB);
    MUST(disk_reclaim(disk, &error));
    cr_expect_eq(image_size(), size + count * MIB);
    disk_close(disk);
    open_image();
    for (uint64_t i = 0; i < count; i++)
        cr_assert_eq(byte_at(i * apart), (uint8_t)i);
    drop_image();
}

static void expect_equal_tables(void)
{
    CLEANUP_FREE uint8_t *tables = must_allocate(2 * VHDX_REGION_TABLE_SIZE);

    MUST(
        file_read(image, vhdx_region_table_offsets[0], tables, 2 * VHDX_REGION_TABLE_SIZE, &error));
    cr_expect_eq(memcmp(tables, tables + VHDX_REGION_TABLE_SIZE, VHDX_REGION_TABLE_SIZE), 0);
}

Test(vhdx_commit, region_tables_that_differ_are_brought_in_line)
{
    for (int i = 0; i < 2; i++) {
        make_image(4 * MIB, MIB, 512);
        disk_close(disk);
        MUST(file_write(image, vhdx_region_table_offsets[i] + 5000, "damaged", 7, &error));
        open_image();
        write_and_commit(0, 1);
        expect_equal_tables();
        disk_close(disk);
        open_image();
        cr_expect_eq(byte_at(0), 1);
        drop_image();
    }
}

/* Puts in an unknown optional region of 1 MiB at the file's end, and an unknown optional metadata
 * item. */
static const char region_text[] = "the region", item_text[] = "the item";

static void add_unknown(void)
{
    CLEANUP_FREE uint8_t *table = must_allocate(VHDX_REGION_TABLE_SIZE);
    struct vhdx_region region = {{{0xaa}}, image_size(), MIB, false};
    struct vhdx_metadata_item item = {{{0xbb}}, 128 * KIB, sizeof item_text, true, false, false};
    unsigned count;

    MUST(file_read(image, vhdx_region_table_offsets[0], table, VHDX_REGION_TABLE_SIZE, &error));
    cr_assert(vhdx_region_table_decode(table, &count));
    vhdx_region_encode(table, count, &region);
    vhdx_region_table_seal(table, count + 1);
    for (int i = 0; i < 2; i++)
        MUST(
            file_write(image, vhdx_region_table_offsets[i], table, VHDX_REGION_TABLE_SIZE, &error));
    MUST(file_set_size(image, region.offset + region.length, &error));
    MUST(file_write(image, region.offset, region_text, sizeof region_text, &error));

    MUST(file_read(image, METADATA, table, VHDX_METADATA_TABLE_SIZE, &error));
    cr_assert(vhdx_metadata_table_decode(table, &count));
    vhdx_metadata_item_encode(table, count, &item);
    table[10] = (uint8_t)(count + 1);
    MUST(file_write(image, METADATA, table, VHDX_METADATA_TABLE_SIZE, &error));
    MUST(file_write(image, METADATA + item.offset, item_text, sizeof item_text, &error));
}

static void expect_unknown(void)
{
    CLEANUP_FREE uint8_t *table = must_allocate(VHDX_REGION_TABLE_SIZE);
    struct vhdx_metadata_item item;
    struct vhdx_region region;
    unsigned count;
    char text[16];

    MUST(file_read(image, vhdx_region_table_offsets[1], table, VHDX_REGION_TABLE_SIZE, &error));
    cr_assert(vhdx_region_table_decode(table, &count));
    cr_assert_eq(count, 3);
    vhdx_region_decode(table, 2, &region);
    cr_expect_eq(region.id.bytes[0], 0xaa);
    MUST(file_read(image, region.offset, text, sizeof text, &error));
    cr_expect_str_eq(text, region_text);
    MUST(file_read(image, METADATA, table, VHDX_METADATA_TABLE_SIZE, &error));
    cr_assert(vhdx_metadata_table_decode(table, &count));
    cr_assert_eq(count, 6);
    vhdx_metadata_item_decode(table, 5, &item);
    cr_expect_eq(item.id.bytes[0], 0xbb);
    MUST(file_read(image, METADATA + item.offset, text, sizeof text, &error));
    cr_expect_str_eq(text, item_text);
}

Test(vhdx_commit, what_is_unknown_and_optional_survives)
{
    make_image(4 * MIB, MIB, 512);
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < 4; i++)
        write_byte(i * MIB, 1);
    MUST(disk_commit(disk, &error));
    disk_close(disk);
    add_unknown();
    open_image();
    MUST(disk_begin(disk, &error));
    MUST(disk_set_size(disk, 300 * GIB, &error)); /* the BAT moves */
    MUST(disk_forget(disk, 0, 2 * MIB, &error));
    write_byte(299 * GIB, 1);
    MUST(disk_commit(disk, &error));
    MUST(disk_reclaim(disk, &error));
    expect_unknown();
    write_and_commit(5 * MIB, 1);
    expect_unknown();
    expect_equal_tables();
    drop_image();
}
