/*
 * The region tables (2.2.3). The first valid one counts; the other is brought
 * in line by the next commit.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "image-format/vhdx/internal.h"

static int check_region(const struct vhdx *vhdx, const struct vhdx_region *region,
                        uint64_t file_size, struct error *error)
{
    char id[GUID_TEXT_SIZE];

    guid_format(&region->id, id);
    if (region->offset % VHDX_UNIT != 0 || region->length % VHDX_UNIT != 0 ||
        region->offset < VHDX_UNIT || region->length == 0)
        return error_set(error, ERROR_CORRUPT,
                         "region %s lies at byte %" PRIu64 " with %" PRIu32
                         " bytes (multiples of 1 MiB, from 1 MiB on, expected)",
                         id, region->offset, region->length);
    if (!range_fits(region->offset, region->length, file_size))
        return error_set(error, ERROR_CORRUPT,
                         "region %s ends behind the file, which has %" PRIu64 " bytes", id,
                         file_size);
    if (vhdx->header.log_offset < region->offset + region->length &&
        region->offset < vhdx->header.log_offset + vhdx->header.log_length)
        return error_set(error, ERROR_CORRUPT, "region %s and the log overlap", id);
    return 0;
}

static int compare_regions(const void *a, const void *b)
{
    const struct vhdx_region *first = a, *second = b;

    return first->offset < second->offset ? -1 : first->offset > second->offset;
}

static int compare_ids(const void *a, const void *b)
{
    const struct vhdx_region *first = a, *second = b;

    return memcmp(&first->id, &second->id, sizeof first->id);
}

/* No two regions overlap, nor have the same id. Sorts the regions. */
static int check_against_each_other(struct vhdx_region *regions, unsigned count,
                                    struct error *error)
{
    char id[GUID_TEXT_SIZE];

    qsort(regions, count, sizeof *regions, compare_ids);
    for (unsigned i = 1; i < count; i++) {
        guid_format(&regions[i].id, id);
        if (guid_equal(&regions[i - 1].id, &regions[i].id))
            return error_set(error, ERROR_CORRUPT, "region %s is there twice", id);
    }
    qsort(regions, count, sizeof *regions, compare_regions);
    for (unsigned i = 1; i < count; i++) {
        guid_format(&regions[i].id, id);
        if (regions[i - 1].offset + regions[i - 1].length > regions[i].offset)
            return error_set(error, ERROR_CORRUPT,
                             "region %s at byte %" PRIu64 " overlaps another one", id,
                             regions[i].offset);
    }
    return 0;
}

/* Finds the two regions that this format version knows, in the order of the table. */
static int find_known(struct vhdx *vhdx, const struct vhdx_region *regions, struct error *error)
{
    char id[GUID_TEXT_SIZE];

    for (unsigned i = 0; i < vhdx->region_count; i++) {
        if (guid_equal(&regions[i].id, &vhdx_region_bat)) {
            vhdx->bat_region = regions[i];
        } else if (guid_equal(&regions[i].id, &vhdx_region_metadata)) {
            vhdx->metadata_region = regions[i];
        } else if (regions[i].required) {
            guid_format(&regions[i].id, id);
            return error_set(error, ERROR_UNSUPPORTED,
                             "region %s is unknown and marked as required", id);
        }
    }
    if (vhdx->bat_region.length == 0 || vhdx->metadata_region.length == 0)
        return error_set(error, ERROR_CORRUPT, "the region table names no %s",
                         vhdx->bat_region.length == 0 ? "BAT" : "metadata region");
    return 0;
}

static int check_table(struct vhdx *vhdx, struct error *error)
{
    CLEANUP_FREE struct vhdx_region *regions = calloc(vhdx->region_count + 1, sizeof *regions);
    uint64_t file_size;

    if (!regions)
        return error_set_no_memory(error);
    if (file_get_size(vhdx->file, &file_size, error))
        return -1;
    for (unsigned i = 0; i < vhdx->region_count; i++) {
        vhdx_region_decode(vhdx->regions, i, &regions[i]);
        if (check_region(vhdx, &regions[i], file_size, error))
            return -1;
    }
    if (find_known(vhdx, regions, error))
        return -1;
    return check_against_each_other(regions, vhdx->region_count, error);
}

int vhdx_regions_read(struct vhdx *vhdx, struct error *error)
{
    CLEANUP_FREE uint8_t *second = malloc(VHDX_REGION_TABLE_SIZE);
    unsigned second_count;
    bool first_valid, second_valid;

    vhdx->regions = malloc(VHDX_REGION_TABLE_SIZE);
    if (!vhdx->regions || !second)
        return error_set_no_memory(error);
    if (file_read(vhdx->file, vhdx_region_table_offsets[0], vhdx->regions, VHDX_REGION_TABLE_SIZE,
                  error) ||
        file_read(vhdx->file, vhdx_region_table_offsets[1], second, VHDX_REGION_TABLE_SIZE, error))
        return -1;
    first_valid = vhdx_region_table_decode(vhdx->regions, &vhdx->region_count);
    second_valid = vhdx_region_table_decode(second, &second_count);
    if (!first_valid && !second_valid)
        return error_set(error, ERROR_CORRUPT,
                         "both region tables are damaged (a valid one expected at byte 196608 or "
                         "262144)");
    vhdx->regions_differ = memcmp(vhdx->regions, second, VHDX_REGION_TABLE_SIZE) != 0;
    if (!first_valid) {
        memcpy(vhdx->regions, second, VHDX_REGION_TABLE_SIZE);
        vhdx->region_count = second_count;
    }
    return check_table(vhdx, error);
}

void vhdx_regions_move_bat(struct vhdx *vhdx, const struct vhdx_region *bat_region)
{
    for (unsigned i = 0; i < vhdx->region_count; i++) {
        struct vhdx_region region;

        vhdx_region_decode(vhdx->regions, i, &region);
        if (guid_equal(&region.id, &vhdx_region_bat))
            vhdx_region_encode(vhdx->regions, i, bat_region);
    }
    vhdx_region_table_seal(vhdx->regions, vhdx->region_count);
    vhdx->bat_region = *bat_region;
}
