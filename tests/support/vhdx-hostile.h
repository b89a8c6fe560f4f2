/*
 * For unit tests of images that no honest program wrote: an image, and what
 * puts odd numbers into its structures, with their checksums right. Each test file that includes
 * this has its own.
 */
#ifndef TESTS_SUPPORT_VHDX_HOSTILE_H
#define TESTS_SUPPORT_VHDX_HOSTILE_H

#include <criterion/criterion.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "base/crc32c.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "image-format/vhdx/format.h"
#include "image-format/vhdx/log-entry.h"
#include "image-format/vhdx/vhdx.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"
#include "tests/support/random.h"

/* Where vhdx_create puts them. */
#define LOG (1 * MIB)
#define METADATA (2 * MIB)
#define BAT (3 * MIB)

static struct error error;
static uint64_t state; /* of the random numbers */

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)

static uint64_t odd_number(void)
{
    static const uint64_t base[] = {0,
                                    1,
                                    511,
                                    4096,
                                    65536,
                                    192 * KIB,
                                    MIB,
                                    2 * MIB,
                                    3 * MIB,
                                    4 * MIB,
                                    5 * MIB,
                                    7 * MIB,
                                    8 * MIB,
                                    256 * MIB,
                                    UINT64_C(1) << 31,
                                    UINT32_MAX,
                                    UINT32_MAX - MIB + 1,
                                    64 * TIB,
                                    128 * TIB,
                                    UINT64_C(1) << 63,
                                    UINT64_MAX - MIB + 1,
                                    UINT64_MAX};
    uint64_t value = base[random_below(&state, sizeof base / sizeof *base)];

    switch (random_below(&state, 8)) {
    case 0:
        return value + 1;
    case 1:
        return value - 1;
    case 2:
        return value + MIB;
    default:
        return value;
    }
}

static void break_headers(struct file *file)
{
    uint8_t bytes[VHDX_HEADER_SIZE];
    struct vhdx_header header;
    uint64_t which = random_below(&state, 6);

    for (int i = 0; i < 2; i++) {
        MUST(file_read(file, vhdx_header_offsets[i], bytes, sizeof bytes, &error));
        if (!vhdx_header_decode(bytes, &header))
            continue;
        if (which == 0)
            header.sequence = odd_number();
        else if (which == 1)
            header.log_length = (uint32_t)odd_number();
        else if (which == 2)
            header.log_offset = odd_number();
        else if (which == 3)
            header.log.bytes[0] ^= 1;
        else if (which == 4)
            header.version = (uint16_t)odd_number();
        else
            header.log_version = (uint16_t)odd_number();
        vhdx_header_encode(&header, bytes);
        MUST(file_write(file, vhdx_header_offsets[i], bytes, sizeof bytes, &error));
    }
}

static void break_regions(struct file *file)
{
    CLEANUP_FREE uint8_t *table = must_allocate(VHDX_REGION_TABLE_SIZE);
    uint64_t index = random_below(&state, 3), which = random_below(&state, 4);
    struct vhdx_region region;
    unsigned count;

    for (int i = 0; i < 2; i++) {
        MUST(file_read(file, vhdx_region_table_offsets[i], table, VHDX_REGION_TABLE_SIZE, &error));
        if (!vhdx_region_table_decode(table, &count))
            return;
        vhdx_region_decode(table, (unsigned)index, &region);
        if (which == 0)
            region.offset = odd_number();
        else if (which == 1)
            region.length = (uint32_t)odd_number();
        else if (which == 2)
            region.required = !region.required;
        else
            count = (unsigned)random_below(&state, VHDX_MAX_ENTRIES + 1);
        vhdx_region_encode(table, (unsigned)index, &region);
        vhdx_region_table_seal(table, (unsigned)max_u64(count, index + 1));
        MUST(file_write(file, vhdx_region_table_offsets[i], table, VHDX_REGION_TABLE_SIZE, &error));
    }
}

static void put_number(struct file *file, uint64_t place, int size)
{
    uint8_t bytes[8];

    put_le64(bytes, odd_number());
    MUST(file_write(file, place, bytes, (size_t)size, &error));
}

static void break_metadata(struct file *file)
{
    if (random_below(&state, 2)) /* an item's entry: its offset, its length, its flags */
        put_number(file,
                   METADATA + 32 + 32 * random_below(&state, 6) + 16 + 4 * random_below(&state, 3),
                   4);
    else
        put_number(file, METADATA + 65536 + 4 * random_below(&state, 10),
                   4 + 4 * (int)random_below(&state, 2));
}

static void break_bat(struct file *file)
{
    uint8_t bytes[8];

    put_le64(bytes, round_down(odd_number(), MIB) | random_below(&state, 8));
    MUST(file_write(file, BAT + 8 * random_below(&state, 8), bytes, 8, &error));
}

/* A log in use with one entry of a few descriptors that all say something odd. */
static void break_log(struct file *file)
{
    struct vhdx_log_entry entry = {.length = 3 * VHDX_SECTOR_SIZE, .sequence = 5, .log = {{9}}};
    CLEANUP_FREE uint8_t *bytes = must_allocate(3 * VHDX_SECTOR_SIZE);
    uint8_t sector[VHDX_HEADER_SIZE] = {0};
    struct vhdx_header header;

    for (int i = 0; i < 2; i++) {
        MUST(file_read(file, vhdx_header_offsets[i], sector, sizeof sector, &error));
        if (vhdx_header_decode(sector, &header)) {
            header.log = entry.log;
            vhdx_header_encode(&header, sector);
            MUST(file_write(file, vhdx_header_offsets[i], sector, sizeof sector, &error));
        }
    }
    entry.descriptor_count = 3;
    entry.flushed_file_offset = random_below(&state, 4) ? 4 * MIB : odd_number();
    entry.last_file_offset = random_below(&state, 4) ? 4 * MIB : odd_number();
    entry.tail = random_below(&state, 8) ? 0 : (uint32_t)odd_number();
    memset(sector, (int)random_below(&state, 256), sizeof sector);
    for (uint32_t i = 0; i < 3; i++) {
        uint8_t *descriptor = bytes + vhdx_log_descriptor_place(i);
        uint64_t place = random_below(&state, 2) ? round_down(odd_number(), 4096)
                                                 : BAT + 4096 * random_below(&state, 4);

        vhdx_log_data_encode(place, 5, sector, descriptor, bytes + (1 + i % 2) * VHDX_SECTOR_SIZE);
        if (i == 2) {
            memcpy(descriptor, "zero", 4);
            put_le64(descriptor + 8, odd_number());
        }
    }
    if (random_below(&state, 16) == 0)
        entry.length = (uint32_t)odd_number();
    vhdx_log_entry_encode(&entry, bytes);
    entry.checksum = crc32c(vhdx_log_first_sector_checksum(bytes), bytes + VHDX_SECTOR_SIZE,
                            2 * VHDX_SECTOR_SIZE);
    vhdx_log_entry_encode(&entry, bytes);
    MUST(file_write(file, LOG, bytes, 3 * VHDX_SECTOR_SIZE, &error));
}

static struct file *make_image(void)
{
    struct vhdx_create_options options = {6 * MIB, MIB, 512, 4096, {{1}}};
    struct file *image = memory_file_new(0);
    struct disk *disk;

    MUST(vhdx_create(image, &options, &error));
    disk = image_open(lent_file_new(image), &error);
    MUST(disk_begin(disk, &error));
    for (uint64_t i = 0; i < 4; i++)
        MUST(disk_write(disk, i * MIB, "text", 4, &error));
    MUST(disk_commit(disk, &error));
    disk_close(disk);
    return image;
}

/* One to three odd numbers, or tables of them; the seed says which. */
static void break_image(struct file *file, uint64_t seed)
{
    static void (*const breaks[])(struct file *) = {break_headers, break_regions, break_metadata,
                                                    break_bat,     break_bat,     break_log};

    state = seed;
    for (uint64_t count = 1 + random_below(&state, 3); count > 0; count--)
        breaks[random_below(&state, 6)](file);
}

#endif
