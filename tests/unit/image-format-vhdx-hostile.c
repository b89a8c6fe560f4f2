/* Numbers that no honest program wrote: an image is opened or refused, soon; one that can be
 * changed is changed right, and one that can't is left as it was. VHDX_HOSTILE_SEEDS=FIRST-LAST
 * tries more. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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

static void look_around(struct disk *disk)
{
    struct disk_description description;
    struct disk_extent extent = {0};
    uint64_t cost, at = 0;
    uint8_t bytes[512];

    disk_describe(disk, &description, &error);
    for (int i = 0; i < 50 && at < disk->size; i++, at += extent.size)
        if (disk_get_extent(disk, at, disk->size, &extent, &error))
            extent.size = MIB;
    for (uint64_t i = 0; i < 8; i++)
        disk_read(disk, min_u64(i * MIB, disk->size - 512), bytes, 512, &error);
    disk_read(disk, disk->size - 512, bytes, 512, &error);
    disk_growth_cost(disk, disk->size, &(struct disk_range){.size = disk->size}, 1, &cost, &error);
}

static void change(struct disk *disk, unsigned long long seed)
{
    char text[8] = "";

    disk_write(disk, 100, "written", 7, &error);
    disk_forget(disk, 0, disk->size < 3 * MIB ? 0 : 3 * MIB, &error);
    cr_assert_eq(disk_write(disk, 200, "written", 7, &error), 0, "seed %llu", seed);
    if (disk->size < VHDX_MAX_VIRTUAL_SIZE)
        MUST(disk_set_size(disk, disk->size + 4096, &error));
    if (disk_commit(disk, &error))
        return;
    MUST(disk_reclaim(disk, &error));
    cr_assert_eq(disk_read(disk, 200, text, 7, &error), 0, "seed %llu: %s", seed, error.message);
    cr_assert_str_eq(text, "written");
}

static void try_one(const struct file *image, unsigned long long seed)
{
    static void (*const breaks[])(struct file *) = {break_headers, break_regions, break_metadata,
                                                    break_bat,     break_bat,     break_log};
    struct file *broken = memory_file_snapshot(image), *before;
    struct disk *disk;
    clock_t start;

    state = seed;
    for (uint64_t count = 1 + random_below(&state, 3); count > 0; count--)
        breaks[random_below(&state, 6)](broken);
    before = memory_file_snapshot(broken);
    start = clock();
    disk = image_open(lent_file_new(broken), &error);
    if (disk) {
        look_around(disk);
        cr_assert(memory_file_equal(broken, before), "seed %llu: reading changed it", seed);
        if (disk_begin(disk, &error)) {
            cr_assert(memory_file_equal(broken, before) || disk->failed,
                      "seed %llu: changed and refused (%s)", seed, error.message);
        } else {
            change(disk, seed);
            disk_close(disk);
            disk = image_open(lent_file_new(broken), &error);
            cr_assert_not_null(disk, "seed %llu: %s", seed, error.message);
            cr_assert_eq(disk_begin(disk, &error), 0, "seed %llu: %s", seed, error.message);
        }
    }
    disk_close(disk);
    cr_assert_lt(clock() - start, 5 * CLOCKS_PER_SEC, "seed %llu takes too long", seed);
    file_close(before);
    file_close(broken);
}

Test(vhdx_hostile, odd_numbers, .timeout = 0)
{
    const char *seeds = getenv("VHDX_HOSTILE_SEEDS");
    unsigned long long first = 1, last = 1500;
    struct file *image = make_image();

    if (seeds && sscanf(seeds, "%llu-%llu", &first, &last) != 2)
        cr_assert_fail("VHDX_HOSTILE_SEEDS is no range");
    for (unsigned long long seed = first; seed <= last; seed++)
        try_one(image, seed);
    file_close(image);
}
