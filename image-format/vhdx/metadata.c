/*
 * The metadata region (2.6). Only its table and the known items are read.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "image-format/vhdx/internal.h"

struct known_item {
    const struct guid *id;
    const char *name;
    uint32_t size; /* bytes */
    bool found;
    uint8_t bytes[16];
    uint64_t place; /* bytes of the file */
};

enum { FILE_PARAMETERS, VIRTUAL_SIZE, DISK_ID, LOGICAL_SECTOR, PHYSICAL_SECTOR, KNOWN_COUNT };

static int compare_places(const void *a, const void *b)
{
    const struct vhdx_metadata_item *first = a, *second = b;

    return first->offset < second->offset ? -1 : first->offset > second->offset;
}

static int compare_identities(const void *a, const void *b)
{
    const struct vhdx_metadata_item *first = a, *second = b;
    int order = memcmp(&first->id, &second->id, sizeof first->id);

    return order ? order : (int)first->is_user - (int)second->is_user;
}

static int check_item_place(const struct vhdx *vhdx, const struct vhdx_metadata_item *item,
                            struct error *error)
{
    char id[GUID_TEXT_SIZE];

    if (item->length == 0 && item->offset == 0)
        return 0;
    if (item->offset >= VHDX_METADATA_TABLE_SIZE && item->length <= MIB &&
        range_fits(item->offset, item->length, vhdx->metadata_region.length))
        return 0;
    guid_format(&item->id, id);
    return error_set(error, ERROR_CORRUPT,
                     "metadata item %s lies at byte %" PRIu32 " of its region with %" PRIu32
                     " bytes (65536 to %" PRIu32 " expected)",
                     id, item->offset, item->length, vhdx->metadata_region.length);
}

/* Sorts the items. */
static int check_against_each_other(struct vhdx_metadata_item *items, unsigned count,
                                    struct error *error)
{
    char id[GUID_TEXT_SIZE];

    qsort(items, count, sizeof *items, compare_identities);
    for (unsigned i = 1; i < count; i++) {
        guid_format(&items[i].id, id);
        if (compare_identities(&items[i - 1], &items[i]) == 0)
            return error_set(error, ERROR_CORRUPT, "metadata item %s is there twice", id);
    }
    qsort(items, count, sizeof *items, compare_places);
    for (unsigned i = 1; i < count; i++) {
        guid_format(&items[i].id, id);
        if (items[i - 1].offset + items[i - 1].length > items[i].offset)
            return error_set(error, ERROR_CORRUPT, "metadata item %s overlaps another one", id);
    }
    return 0;
}

static int read_known(struct vhdx *vhdx, const struct vhdx_metadata_item *item,
                      struct known_item *known, struct error *error)
{
    if (item->length < known->size)
        return error_set(error, ERROR_CORRUPT,
                         "the metadata item of the %s has %" PRIu32 " bytes (%" PRIu32 " expected)",
                         known->name, item->length, known->size);
    known->found = true;
    known->place = vhdx->metadata_region.offset + item->offset;
    return file_read(vhdx->file, known->place, known->bytes, known->size, error);
}

/* Takes in one item: known ones are read, unknown required ones refused. */
static int take_item(struct vhdx *vhdx, const struct vhdx_metadata_item *item,
                     struct known_item *known, struct error *error)
{
    char id[GUID_TEXT_SIZE];

    if (item->is_user)
        return 0;
    for (int i = 0; i < KNOWN_COUNT; i++)
        if (guid_equal(&item->id, known[i].id))
            return read_known(vhdx, item, &known[i], error);
    if (guid_equal(&item->id, &vhdx_item_incomplete)) {
        vhdx->metadata.incomplete = true;
        return 0;
    }
    if (!item->is_required || guid_equal(&item->id, &vhdx_item_parent_locator))
        return 0;
    guid_format(&item->id, id);
    return error_set(error, ERROR_UNSUPPORTED, "metadata item %s is unknown and marked as required",
                     id);
}

static int check_sizes(const struct vhdx_metadata *metadata, struct error *error)
{
    if (!is_power_of_two(metadata->block_size) || metadata->block_size < VHDX_MIN_BLOCK_SIZE ||
        metadata->block_size > VHDX_MAX_BLOCK_SIZE)
        return error_set(error, ERROR_CORRUPT,
                         "the block size is %" PRIu32
                         " bytes (a power of two from 1 MiB to 256 MiB expected)",
                         metadata->block_size);
    if (metadata->logical_sector_size != 512 && metadata->logical_sector_size != 4096)
        return error_set(error, ERROR_CORRUPT,
                         "the logical sector size is %" PRIu32 " bytes (512 or 4096 expected)",
                         metadata->logical_sector_size);
    if (metadata->physical_sector_size != 512 && metadata->physical_sector_size != 4096)
        return error_set(error, ERROR_CORRUPT,
                         "the physical sector size is %" PRIu32 " bytes (512 or 4096 expected)",
                         metadata->physical_sector_size);
    if (metadata->virtual_size == 0 || metadata->virtual_size > VHDX_MAX_VIRTUAL_SIZE ||
        metadata->virtual_size % metadata->logical_sector_size != 0)
        return error_set(error, ERROR_CORRUPT,
                         "the virtual size is %" PRIu64
                         " bytes (whole sectors, up to 64 TiB, expected)",
                         metadata->virtual_size);
    return 0;
}

static int publish(struct vhdx *vhdx, const struct known_item *known, struct error *error)
{
    struct vhdx_metadata metadata = {.incomplete = vhdx->metadata.incomplete};
    uint32_t flags = get_le32(known[FILE_PARAMETERS].bytes + 4);

    for (int i = 0; i < KNOWN_COUNT; i++)
        if (!known[i].found)
            return error_set(error, ERROR_CORRUPT, "the metadata item of the %s is missing",
                             known[i].name);
    metadata.block_size = get_le32(known[FILE_PARAMETERS].bytes);
    metadata.leave_blocks_allocated = flags & VHDX_LEAVE_BLOCKS_ALLOCATED;
    metadata.has_parent = flags & VHDX_HAS_PARENT;
    metadata.virtual_size = get_le64(known[VIRTUAL_SIZE].bytes);
    metadata.virtual_size_place = known[VIRTUAL_SIZE].place;
    memcpy(&metadata.disk_id, known[DISK_ID].bytes, sizeof metadata.disk_id);
    metadata.logical_sector_size = get_le32(known[LOGICAL_SECTOR].bytes);
    metadata.physical_sector_size = get_le32(known[PHYSICAL_SECTOR].bytes);
    if (check_sizes(&metadata, error))
        return -1;
    vhdx->metadata = metadata;
    return 0;
}

static int read_items(struct vhdx *vhdx, const uint8_t *table, unsigned count, struct error *error)
{
    CLEANUP_FREE struct vhdx_metadata_item *items = calloc(count + 1, sizeof *items);
    struct known_item known[KNOWN_COUNT] = {
        [FILE_PARAMETERS] = {&vhdx_item_file_parameters, .name = "file parameters", .size = 8},
        [VIRTUAL_SIZE] = {&vhdx_item_virtual_size, .name = "virtual size", .size = 8},
        [DISK_ID] = {&vhdx_item_disk_id, .name = "disk id", .size = 16},
        [LOGICAL_SECTOR] = {&vhdx_item_logical_sector, .name = "logical sector", .size = 4},
        [PHYSICAL_SECTOR] = {&vhdx_item_physical_sector, .name = "physical sector", .size = 4},
    };

    if (!items)
        return error_set_no_memory(error);
    for (unsigned i = 0; i < count; i++) {
        vhdx_metadata_item_decode(table, i, &items[i]);
        if (check_item_place(vhdx, &items[i], error) || take_item(vhdx, &items[i], known, error))
            return -1;
    }
    return check_against_each_other(items, count, error) || publish(vhdx, known, error) ? -1 : 0;
}

int vhdx_metadata_read(struct vhdx *vhdx, struct error *error)
{
    CLEANUP_FREE uint8_t *table = malloc(VHDX_METADATA_TABLE_SIZE);
    unsigned count;

    if (!table)
        return error_set_no_memory(error);
    if (file_read(vhdx->file, vhdx->metadata_region.offset, table, VHDX_METADATA_TABLE_SIZE, error))
        return -1;
    if (!vhdx_metadata_table_decode(table, &count))
        return error_set(error, ERROR_CORRUPT,
                         "the metadata table at byte %" PRIu64
                         " is damaged (its signature and at most 2047 items expected)",
                         vhdx->metadata_region.offset);
    return read_items(vhdx, table, count, error);
}
