/*
 * Making changes the file's state (the order is in internal.h): one log entry
 * with every changed sector of the BAT, of the metadata and of the region
 * tables, activated by a header, applied, and cleared.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/crc32c.h"
#include "image-format/vhdx/internal.h"
#include "image-format/vhdx/log-entry.h"

/* The updates of one entry: sectors of the file with their new bytes. */
struct update {
    uint64_t file_offset; /* bytes */
    const uint8_t *bytes; /* borrowed */
};

struct updates {
    struct update *list;
    size_t count, capacity;
    uint8_t *tables; /* the bytes of metadata sectors */
    struct vhdx_log_entry entry;
    uint8_t *log_bytes; /* the entry, encoded */
};

static void cleanup_updates(struct updates *updates)
{
    free(updates->list);
    free(updates->tables);
    free(updates->log_bytes);
}

static int add_update(struct updates *updates, uint64_t file_offset, const uint8_t *bytes,
                      struct error *error)
{
    struct update *larger =
        array_make_room(updates->list, updates->count, &updates->capacity, sizeof *larger, error);

    if (!larger)
        return -1;
    updates->list = larger;
    updates->list[updates->count++] = (struct update){file_offset, bytes};
    return 0;
}

/* The sector or two that hold the virtual size (items needn't be aligned). */
static int add_virtual_size(struct vhdx *vhdx, struct updates *updates, struct error *error)
{
    uint64_t place = vhdx->metadata.virtual_size_place;
    uint64_t start = round_down(place, VHDX_SECTOR_SIZE);
    uint64_t end = round_up(place + 8, VHDX_SECTOR_SIZE);

    if (vhdx->disk.size == vhdx->metadata.virtual_size)
        return 0;
    updates->tables = malloc((size_t)(end - start));
    if (!updates->tables)
        return error_set_no_memory(error);
    if (file_read(vhdx->file, start, updates->tables, (size_t)(end - start), error))
        return -1;
    put_le64(updates->tables + (place - start), vhdx->disk.size);
    for (uint64_t at = start; at < end; at += VHDX_SECTOR_SIZE)
        if (add_update(updates, at, updates->tables + (at - start), error))
            return -1;
    return 0;
}

/* The sectors of a region table that aren't in the file as they are in memory. */
static int add_region_table(struct vhdx *vhdx, uint64_t table_offset, struct updates *updates,
                            struct error *error)
{
    uint8_t sector[VHDX_SECTOR_SIZE];

    for (uint64_t at = 0; at < VHDX_REGION_TABLE_SIZE; at += sizeof sector) {
        if (file_read(vhdx->file, table_offset + at, sector, sizeof sector, error))
            return -1;
        if (memcmp(sector, vhdx->regions + at, sizeof sector) != 0 &&
            add_update(updates, table_offset + at, vhdx->regions + at, error))
            return -1;
    }
    return 0;
}

static int add_bat(struct vhdx *vhdx, struct updates *updates, struct error *error)
{
    struct vhdx_page *page = NULL;
    uint64_t file_offset;
    const uint8_t *bytes;

    if (vhdx->bat.relocated)
        return vhdx_bat_write_dirty(vhdx, error);
    while (vhdx_bat_next_dirty(vhdx, &page, &file_offset, &bytes))
        if (add_update(updates, file_offset, bytes, error))
            return -1;
    return 0;
}

static int collect(struct vhdx *vhdx, struct updates *updates, struct error *error)
{
    if (add_bat(vhdx, updates, error) || add_virtual_size(vhdx, updates, error))
        return -1;
    if (!vhdx->bat.relocated && !vhdx->regions_differ)
        return 0;
    return add_region_table(vhdx, vhdx_region_table_offsets[0], updates, error) ||
                   add_region_table(vhdx, vhdx_region_table_offsets[1], updates, error)
               ? -1
               : 0;
}

/* The log's place for an entry of that length: its own, or, for a longer one, the file's end. */
static int place_log(struct vhdx *vhdx, uint64_t entry_length, struct vhdx_header *header,
                     struct error *error)
{
    uint64_t length = round_up(entry_length, VHDX_UNIT);

    if (entry_length <= header->log_length)
        return 0;
    if (length > UINT32_MAX - VHDX_UNIT)
        return error_set(error, ERROR_UNSUPPORTED,
                         "one change of %" PRIu64 " bytes of tables is more than a log holds",
                         entry_length);
    if (vhdx_space_take_at_end(vhdx, length / VHDX_UNIT, &header->log_offset, error))
        return -1;
    header->log_length = (uint32_t)length;
    return 0;
}

/* Encodes the updates as one entry that stands alone in its sequence. */
static int encode_entry(struct updates *updates, struct error *error)
{
    uint32_t count = (uint32_t)updates->count;
    uint64_t data_start = (uint64_t)vhdx_log_descriptor_sectors(count) * VHDX_SECTOR_SIZE;
    uint8_t *bytes = calloc(1, updates->entry.length);

    if (!bytes)
        return error_set_no_memory(error);
    updates->log_bytes = bytes;
    for (uint32_t i = 0; i < count; i++)
        vhdx_log_data_encode(updates->list[i].file_offset, updates->entry.sequence,
                             updates->list[i].bytes, bytes + vhdx_log_descriptor_place(i),
                             bytes + data_start + (uint64_t)i * VHDX_SECTOR_SIZE);
    vhdx_log_entry_encode(&updates->entry, bytes);
    updates->entry.checksum =
        crc32c(vhdx_log_first_sector_checksum(bytes), bytes + VHDX_SECTOR_SIZE,
               updates->entry.length - VHDX_SECTOR_SIZE);
    vhdx_log_entry_encode(&updates->entry, bytes);
    return 0;
}

/* Writes data and log entry, so that the header alone is missing for the commit. */
static int prepare(struct vhdx *vhdx, struct updates *updates, struct vhdx_header *header,
                   struct error *error)
{
    uint64_t entry_length = vhdx_log_entry_size((uint32_t)updates->count);
    uint64_t file_size;

    if (place_log(vhdx, entry_length, header, error))
        return -1;
    file_size = max_u64(vhdx->space.units.end * VHDX_UNIT, vhdx->before.file_size);
    file_size = round_up(file_size, VHDX_UNIT);
    guid_generate(&header->log);
    updates->entry.length = (uint32_t)entry_length;
    updates->entry.sequence = 1;
    updates->entry.descriptor_count = (uint32_t)updates->count;
    updates->entry.log = header->log;
    updates->entry.flushed_file_offset = file_size;
    updates->entry.last_file_offset = file_size;
    if (encode_entry(updates, error) || file_set_size(vhdx->file, file_size, error) ||
        vhdx_write(vhdx, header->log_offset, updates->log_bytes, updates->entry.length, error))
        return -1;
    return file_flush(vhdx->file, error);
}

/* Behind the instant of the commit: whatever fails here is replayed at the next opening. */
static int apply_and_clear(struct vhdx *vhdx, const struct updates *updates, uint64_t log_offset,
                           uint32_t log_length, struct error *error)
{
    struct vhdx_header header = vhdx->header;

    for (size_t i = 0; i < updates->count; i++)
        if (vhdx_write(vhdx, updates->list[i].file_offset, updates->list[i].bytes, VHDX_SECTOR_SIZE,
                       error))
            return -1;
    if (file_flush(vhdx->file, error))
        return -1;
    header.log = (struct guid){{0}};
    header.log_offset = log_offset;
    header.log_length = log_length;
    return vhdx_header_update(vhdx, &header, error);
}

/* A log that had to be larger lies at the file's end, and is free once it is cleared. */
static int give_log_back(struct vhdx *vhdx, const struct vhdx_header *header,
                         uint64_t own_log_offset, struct error *error)
{
    if (header->log_offset == own_log_offset)
        return 0;
    return vhdx_space_give(vhdx, header->log_offset, header->log_length, error);
}

static void settle(struct vhdx *vhdx)
{
    vhdx_bat_all_clean(vhdx);
    vhdx->bat.relocated = false;
    vhdx->regions_differ = false;
    vhdx->metadata.virtual_size = vhdx->disk.size;
    vhdx->freed_bytes += vhdx_space_settle(vhdx);
}

int vhdx_commit_changes(struct vhdx *vhdx, bool data, struct error *error)
{
    CLEANUP(cleanup_updates) struct updates updates = {0};
    struct vhdx_header header = vhdx->header;
    uint64_t log_offset = header.log_offset;
    uint32_t log_length = header.log_length;

    if (collect(vhdx, &updates, error))
        return -1;
    if (updates.count == 0) {
        if (file_flush(vhdx->file, error))
            return -1;
        vhdx->disk.committed = true;
        settle(vhdx);
        return 0;
    }
    if (prepare(vhdx, &updates, &header, error) || give_log_back(vhdx, &header, log_offset, error))
        return -1;
    if (data && !vhdx->data_write_is_new)
        guid_generate(&header.data_write);
    vhdx->commit_attempted = true;
    if (vhdx_header_update(vhdx, &header, error)) { /* V2: the commit */
        vhdx->disk.committed = guid_equal(&vhdx->header.log, &header.log);
        vhdx->disk.uncertain = !vhdx->disk.committed;
        return -1;
    }
    vhdx->disk.committed = true;
    vhdx->data_write_is_new = vhdx->data_write_is_new || data;
    if (apply_and_clear(vhdx, &updates, log_offset, log_length, error))
        return -1;
    settle(vhdx);
    return 0;
}
