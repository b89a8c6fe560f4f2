#include "image-format/vhdx/log-entry.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "image-format/vhdx/format.h"

enum { /* 2.3.1.1, bytes */
       ENTRY_CHECKSUM = 4,
       ENTRY_LENGTH = 8,
       ENTRY_TAIL = 12,
       ENTRY_SEQUENCE = 16,
       ENTRY_DESCRIPTOR_COUNT = 24,
       ENTRY_LOG = 32,
       ENTRY_FLUSHED = 48,
       ENTRY_LAST = 56,
       ENTRY_HEADER_SIZE = 64,
};

enum { /* 2.3.1.2 and 2.3.1.3, bytes */
       DESCRIPTOR_TRAILING = 4,
       DESCRIPTOR_LEADING = 8, /* the length, of a zero descriptor */
       DESCRIPTOR_FILE_OFFSET = 16,
       DESCRIPTOR_SEQUENCE = 24,
       DESCRIPTOR_SIZE = 32,
};

enum { /* 2.3.1.4, bytes */
       DATA_SEQUENCE_HIGH = 4,
       DATA_BYTES = 8,
       DATA_SEQUENCE_LOW = VHDX_SECTOR_SIZE - 4,
};

uint32_t vhdx_log_descriptor_sectors(uint32_t count)
{
    return (uint32_t)divide_up(vhdx_log_descriptor_place(count), VHDX_SECTOR_SIZE);
}

uint64_t vhdx_log_entry_size(uint32_t count)
{
    return ((uint64_t)vhdx_log_descriptor_sectors(count) + count) * VHDX_SECTOR_SIZE;
}

bool vhdx_log_entry_decode(const uint8_t *sector, struct vhdx_log_entry *ret_entry)
{
    if (memcmp(sector, "loge", 4) != 0)
        return false;
    ret_entry->checksum = get_le32(sector + ENTRY_CHECKSUM);
    ret_entry->length = get_le32(sector + ENTRY_LENGTH);
    ret_entry->tail = get_le32(sector + ENTRY_TAIL);
    ret_entry->sequence = get_le64(sector + ENTRY_SEQUENCE);
    ret_entry->descriptor_count = get_le32(sector + ENTRY_DESCRIPTOR_COUNT);
    memcpy(&ret_entry->log, sector + ENTRY_LOG, sizeof(struct guid));
    ret_entry->flushed_file_offset = get_le64(sector + ENTRY_FLUSHED);
    ret_entry->last_file_offset = get_le64(sector + ENTRY_LAST);
    return true;
}

void vhdx_log_entry_encode(const struct vhdx_log_entry *entry, uint8_t *sector)
{
    memset(sector, 0, ENTRY_HEADER_SIZE);
    memcpy(sector, "loge", 4);
    put_le32(sector + ENTRY_CHECKSUM, entry->checksum);
    put_le32(sector + ENTRY_LENGTH, entry->length);
    put_le32(sector + ENTRY_TAIL, entry->tail);
    put_le64(sector + ENTRY_SEQUENCE, entry->sequence);
    put_le32(sector + ENTRY_DESCRIPTOR_COUNT, entry->descriptor_count);
    memcpy(sector + ENTRY_LOG, &entry->log, sizeof(struct guid));
    put_le64(sector + ENTRY_FLUSHED, entry->flushed_file_offset);
    put_le64(sector + ENTRY_LAST, entry->last_file_offset);
}

uint32_t vhdx_log_first_sector_checksum(const uint8_t *sector)
{
    static const uint8_t zeros[4];
    uint32_t crc = crc32c(0, sector, ENTRY_CHECKSUM);

    crc = crc32c(crc, zeros, sizeof zeros);
    return crc32c(crc, sector + ENTRY_LENGTH, VHDX_SECTOR_SIZE - ENTRY_LENGTH);
}

uint64_t vhdx_log_descriptor_place(uint32_t index)
{
    return ENTRY_HEADER_SIZE + (uint64_t)index * DESCRIPTOR_SIZE;
}

bool vhdx_log_descriptor_decode(const uint8_t *bytes, uint64_t sequence,
                                struct vhdx_log_descriptor *ret_descriptor)
{
    if (get_le64(bytes + DESCRIPTOR_SEQUENCE) != sequence)
        return false;
    if (memcmp(bytes, "zero", 4) == 0)
        ret_descriptor->kind = VHDX_LOG_ZERO;
    else if (memcmp(bytes, "desc", 4) == 0)
        ret_descriptor->kind = VHDX_LOG_DATA;
    else
        return false;
    ret_descriptor->file_offset = get_le64(bytes + DESCRIPTOR_FILE_OFFSET);
    ret_descriptor->zero_length = get_le64(bytes + DESCRIPTOR_LEADING);
    memcpy(ret_descriptor->leading, bytes + DESCRIPTOR_LEADING, sizeof ret_descriptor->leading);
    memcpy(ret_descriptor->trailing, bytes + DESCRIPTOR_TRAILING, sizeof ret_descriptor->trailing);
    return true;
}

bool vhdx_log_data_sector_fits(const uint8_t *sector, uint64_t sequence)
{
    return memcmp(sector, "data", 4) == 0 &&
           get_le32(sector + DATA_SEQUENCE_HIGH) == (uint32_t)(sequence >> 32) &&
           get_le32(sector + DATA_SEQUENCE_LOW) == (uint32_t)sequence;
}

void vhdx_log_data_encode(uint64_t file_offset, uint64_t sequence, const uint8_t *update,
                          uint8_t *descriptor, uint8_t *data_sector)
{
    memcpy(descriptor, "desc", 4);
    memcpy(descriptor + DESCRIPTOR_TRAILING, update + DATA_SEQUENCE_LOW, 4);
    memcpy(descriptor + DESCRIPTOR_LEADING, update, DATA_BYTES);
    put_le64(descriptor + DESCRIPTOR_FILE_OFFSET, file_offset);
    put_le64(descriptor + DESCRIPTOR_SEQUENCE, sequence);
    memcpy(data_sector, "data", 4);
    put_le32(data_sector + DATA_SEQUENCE_HIGH, (uint32_t)(sequence >> 32));
    memcpy(data_sector + DATA_BYTES, update + DATA_BYTES, DATA_SEQUENCE_LOW - DATA_BYTES);
    put_le32(data_sector + DATA_SEQUENCE_LOW, (uint32_t)sequence);
}

void vhdx_log_data_restore(const struct vhdx_log_descriptor *descriptor, uint8_t *data_sector)
{
    memcpy(data_sector, descriptor->leading, sizeof descriptor->leading);
    memcpy(data_sector + DATA_SEQUENCE_LOW, descriptor->trailing, sizeof descriptor->trailing);
}
