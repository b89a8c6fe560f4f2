/*
 * A new file: header section, log, metadata region, BAT, in this order, each at
 * a multiple of 1 MiB.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "image-format/vhdx/internal.h"

#define LOG_LENGTH (1 * MIB)
#define METADATA_LENGTH (1 * MIB)
#define CREATOR "vhdtool"

int vhdx_create_check(const struct vhdx_create_options *options, struct error *error)
{
    uint32_t logical = options->logical_sector_size, physical = options->physical_sector_size;

    if ((logical != 512 && logical != 4096) || (physical != 512 && physical != 4096))
        return error_set(error, ERROR_USAGE,
                         "the sector size is %" PRIu32 " bytes (512 or 4096 expected)", logical);
    if (!is_power_of_two(options->block_size) || options->block_size < VHDX_MIN_BLOCK_SIZE ||
        options->block_size > VHDX_MAX_BLOCK_SIZE)
        return error_set(error, ERROR_USAGE,
                         "the block size is %" PRIu32
                         " bytes (a power of two from 1 MiB to 256 MiB expected)",
                         options->block_size);
    if (options->virtual_size == 0 || options->virtual_size > VHDX_MAX_VIRTUAL_SIZE ||
        options->virtual_size % logical != 0)
        return error_set(error, ERROR_USAGE,
                         "the size is %" PRIu64 " bytes (whole sectors, up to 64 TiB, expected)",
                         options->virtual_size);
    return 0;
}

static int write_identifier(struct file *file, struct error *error)
{
    uint8_t bytes[VHDX_SECTOR_SIZE] = VHDX_SIGNATURE;

    for (size_t i = 0; i < sizeof CREATOR - 1; i++)
        put_le16(bytes + VHDX_SIGNATURE_SIZE + 2 * i, (uint16_t)CREATOR[i]);
    return file_write(file, 0, bytes, sizeof bytes, error);
}

static int write_headers(struct file *file, struct error *error)
{
    struct vhdx_header header = {.version = 1, .log_length = LOG_LENGTH, .log_offset = VHDX_UNIT};
    uint8_t bytes[VHDX_HEADER_SIZE];

    guid_generate(&header.file_write);
    guid_generate(&header.data_write);
    for (int i = 0; i < 2; i++) {
        header.sequence = (uint64_t)i + 1;
        vhdx_header_encode(&header, bytes);
        if (file_write(file, vhdx_header_offsets[i], bytes, sizeof bytes, error))
            return -1;
    }
    return 0;
}

static int write_region_tables(struct file *file, uint32_t bat_length, struct error *error)
{
    struct vhdx_region metadata = {vhdx_region_metadata, 2 * VHDX_UNIT, METADATA_LENGTH, true};
    struct vhdx_region bat = {vhdx_region_bat, 3 * VHDX_UNIT, bat_length, true};
    CLEANUP_FREE uint8_t *table = malloc(VHDX_REGION_TABLE_SIZE);

    if (!table)
        return error_set_no_memory(error);
    vhdx_region_table_init(table);
    vhdx_region_encode(table, 0, &metadata);
    vhdx_region_encode(table, 1, &bat);
    vhdx_region_table_seal(table, 2);
    for (int i = 0; i < 2; i++)
        if (file_write(file, vhdx_region_table_offsets[i], table, VHDX_REGION_TABLE_SIZE, error))
            return -1;
    return 0;
}

static int write_metadata(struct file *file, const struct vhdx_create_options *options,
                          struct error *error)
{
    uint8_t parameters[8] = {0}, size[8], logical[4], physical[4];
    const struct {
        const struct guid *id;
        const uint8_t *bytes;
        uint32_t length;
        bool is_virtual_disk;
    } items[] = {
        {&vhdx_item_file_parameters, parameters, sizeof parameters, false},
        {&vhdx_item_virtual_size, size, sizeof size, true},
        {&vhdx_item_disk_id, options->id.bytes, sizeof options->id.bytes, true},
        {&vhdx_item_logical_sector, logical, sizeof logical, true},
        {&vhdx_item_physical_sector, physical, sizeof physical, true},
    };
    const unsigned count = sizeof items / sizeof *items;
    CLEANUP_FREE uint8_t *bytes = calloc(1, VHDX_METADATA_TABLE_SIZE + VHDX_SECTOR_SIZE);
    uint32_t offset = VHDX_METADATA_TABLE_SIZE;

    if (!bytes)
        return error_set_no_memory(error);
    put_le32(parameters, options->block_size);
    put_le64(size, options->virtual_size);
    put_le32(logical, options->logical_sector_size);
    put_le32(physical, options->physical_sector_size);
    vhdx_metadata_table_init(bytes, count);
    for (unsigned i = 0; i < count; i++) {
        vhdx_metadata_item_encode(bytes, i,
                                  &(struct vhdx_metadata_item){*items[i].id, offset,
                                                               items[i].length, false,
                                                               items[i].is_virtual_disk, true});
        memcpy(bytes + offset, items[i].bytes, items[i].length);
        offset += items[i].length;
    }
    return file_write(file, 2 * VHDX_UNIT, bytes, VHDX_METADATA_TABLE_SIZE + VHDX_SECTOR_SIZE,
                      error);
}

int vhdx_create(struct file *file, const struct vhdx_create_options *options, struct error *error)
{
    uint64_t blocks, bat_length;

    if (vhdx_create_check(options, error))
        return -1;
    blocks = divide_up(options->virtual_size, options->block_size);
    bat_length = round_up(vhdx_bat_entries(blocks, vhdx_chunk_ratio(options->block_size,
                                                                    options->logical_sector_size)) *
                              VHDX_BAT_ENTRY_SIZE,
                          VHDX_UNIT);
    if (write_identifier(file, error) || write_headers(file, error) ||
        write_region_tables(file, (uint32_t)bat_length, error) ||
        write_metadata(file, options, error) ||
        file_set_size(file, 3 * VHDX_UNIT + bat_length, error))
        return -1;
    return file_flush(file, error);
}
