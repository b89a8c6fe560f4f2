#include "image-format/vhdx/format.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"

const uint64_t vhdx_header_offsets[2] = {64 * KIB, 128 * KIB};
const uint64_t vhdx_region_table_offsets[2] = {192 * KIB, 256 * KIB};

const struct guid vhdx_region_bat =
    GUID_INIT(0x2dc27766, 0xf623, 0x4200, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08);
const struct guid vhdx_region_metadata =
    GUID_INIT(0x8b7ca206, 0x4790, 0x4b9a, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e);
const struct guid vhdx_item_file_parameters =
    GUID_INIT(0xcaa16737, 0xfa36, 0x4d43, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b);
const struct guid vhdx_item_virtual_size =
    GUID_INIT(0x2fa54224, 0xcd1b, 0x4876, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8);
const struct guid vhdx_item_disk_id =
    GUID_INIT(0xbeca12ab, 0xb2e6, 0x4523, 0x93, 0xef, 0xc3, 0x09, 0xe0, 0x00, 0xc7, 0x46);
const struct guid vhdx_item_logical_sector =
    GUID_INIT(0x8141bf1d, 0xa96f, 0x4709, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f);
const struct guid vhdx_item_physical_sector =
    GUID_INIT(0xcda348c7, 0x445d, 0x4471, 0x9c, 0xc9, 0xe9, 0x88, 0x52, 0x51, 0xc5, 0x56);
const struct guid vhdx_item_parent_locator =
    GUID_INIT(0xa8d35f2d, 0xb30b, 0x454d, 0xab, 0xf7, 0xd3, 0xd8, 0x48, 0x34, 0xab, 0x0c);
const struct guid vhdx_item_incomplete =
    GUID_INIT(0x71cc85f0, 0x1b69, 0x4e28, 0x95, 0x58, 0xc3, 0xbf, 0x83, 0xae, 0x75, 0xd3);

enum { /* 2.2.2, bytes */
       HEADER_CHECKSUM = 4,
       HEADER_SEQUENCE = 8,
       HEADER_FILE_WRITE = 16,
       HEADER_DATA_WRITE = 32,
       HEADER_LOG = 48,
       HEADER_LOG_VERSION = 64,
       HEADER_VERSION = 66,
       HEADER_LOG_LENGTH = 68,
       HEADER_LOG_OFFSET = 72,
};

enum { /* 2.2.3, bytes */
       TABLE_CHECKSUM = 4,
       TABLE_COUNT = 8,
       TABLE_HEADER_SIZE = 16,
       REGION_OFFSET = 16,
       REGION_LENGTH = 24,
       REGION_REQUIRED = 28,
       REGION_SIZE = 32,
};

enum { /* 2.6.1, bytes */
       METADATA_COUNT = 10,
       METADATA_HEADER_SIZE = 32,
       ITEM_OFFSET = 16,
       ITEM_LENGTH = 20,
       ITEM_FLAGS = 24,
       ITEM_SIZE = 32,
};

enum { ITEM_IS_USER = 1, ITEM_IS_VIRTUAL_DISK = 2, ITEM_IS_REQUIRED = 4 };

_Static_assert(TABLE_HEADER_SIZE + VHDX_MAX_ENTRIES * REGION_SIZE <= VHDX_REGION_TABLE_SIZE,
               "every region that a table may count lies in it");
_Static_assert(METADATA_HEADER_SIZE + VHDX_MAX_ENTRIES * ITEM_SIZE <= VHDX_METADATA_TABLE_SIZE,
               "every item that a table may count lies in it");

/* CRC-32C of a structure whose checksum field, at byte 4, counts as zero. */
static uint32_t structure_checksum(const uint8_t *bytes, size_t size)
{
    static const uint8_t zeros[4];
    uint32_t crc = crc32c(0, bytes, 4);

    crc = crc32c(crc, zeros, sizeof zeros);
    return crc32c(crc, bytes + 8, size - 8);
}

bool vhdx_header_decode(const uint8_t bytes[VHDX_HEADER_SIZE], struct vhdx_header *ret_header)
{
    if (memcmp(bytes, "head", 4) != 0 ||
        get_le32(bytes + HEADER_CHECKSUM) != structure_checksum(bytes, VHDX_HEADER_SIZE))
        return false;
    ret_header->sequence = get_le64(bytes + HEADER_SEQUENCE);
    memcpy(&ret_header->file_write, bytes + HEADER_FILE_WRITE, sizeof(struct guid));
    memcpy(&ret_header->data_write, bytes + HEADER_DATA_WRITE, sizeof(struct guid));
    memcpy(&ret_header->log, bytes + HEADER_LOG, sizeof(struct guid));
    ret_header->log_version = get_le16(bytes + HEADER_LOG_VERSION);
    ret_header->version = get_le16(bytes + HEADER_VERSION);
    ret_header->log_length = get_le32(bytes + HEADER_LOG_LENGTH);
    ret_header->log_offset = get_le64(bytes + HEADER_LOG_OFFSET);
    return true;
}

void vhdx_header_encode(const struct vhdx_header *header, uint8_t bytes[VHDX_HEADER_SIZE])
{
    memset(bytes, 0, VHDX_HEADER_SIZE);
    memcpy(bytes, "head", 4);
    put_le64(bytes + HEADER_SEQUENCE, header->sequence);
    memcpy(bytes + HEADER_FILE_WRITE, &header->file_write, sizeof(struct guid));
    memcpy(bytes + HEADER_DATA_WRITE, &header->data_write, sizeof(struct guid));
    memcpy(bytes + HEADER_LOG, &header->log, sizeof(struct guid));
    put_le16(bytes + HEADER_LOG_VERSION, header->log_version);
    put_le16(bytes + HEADER_VERSION, header->version);
    put_le32(bytes + HEADER_LOG_LENGTH, header->log_length);
    put_le64(bytes + HEADER_LOG_OFFSET, header->log_offset);
    put_le32(bytes + HEADER_CHECKSUM, structure_checksum(bytes, VHDX_HEADER_SIZE));
}

bool vhdx_region_table_decode(const uint8_t bytes[VHDX_REGION_TABLE_SIZE], unsigned *ret_count)
{
    uint32_t count = get_le32(bytes + TABLE_COUNT);

    if (memcmp(bytes, "regi", 4) != 0 || count > VHDX_MAX_ENTRIES ||
        get_le32(bytes + TABLE_CHECKSUM) != structure_checksum(bytes, VHDX_REGION_TABLE_SIZE))
        return false;
    *ret_count = count;
    return true;
}

void vhdx_region_decode(const uint8_t *table, unsigned index, struct vhdx_region *ret_region)
{
    const uint8_t *bytes = table + TABLE_HEADER_SIZE + (size_t)index * REGION_SIZE;

    memcpy(&ret_region->id, bytes, sizeof(struct guid));
    ret_region->offset = get_le64(bytes + REGION_OFFSET);
    ret_region->length = get_le32(bytes + REGION_LENGTH);
    ret_region->required = get_le32(bytes + REGION_REQUIRED) & 1;
}

void vhdx_region_table_init(uint8_t bytes[VHDX_REGION_TABLE_SIZE])
{
    memset(bytes, 0, VHDX_REGION_TABLE_SIZE);
    memcpy(bytes, "regi", 4);
}

void vhdx_region_encode(uint8_t *table, unsigned index, const struct vhdx_region *region)
{
    uint8_t *bytes = table + TABLE_HEADER_SIZE + (size_t)index * REGION_SIZE;

    memcpy(bytes, &region->id, sizeof(struct guid));
    put_le64(bytes + REGION_OFFSET, region->offset);
    put_le32(bytes + REGION_LENGTH, region->length);
    put_le32(bytes + REGION_REQUIRED, region->required);
}

void vhdx_region_table_seal(uint8_t bytes[VHDX_REGION_TABLE_SIZE], unsigned count)
{
    put_le32(bytes + TABLE_COUNT, count);
    put_le32(bytes + TABLE_CHECKSUM, structure_checksum(bytes, VHDX_REGION_TABLE_SIZE));
}

bool vhdx_metadata_table_decode(const uint8_t bytes[VHDX_METADATA_TABLE_SIZE], unsigned *ret_count)
{
    unsigned count = get_le16(bytes + METADATA_COUNT);

    if (memcmp(bytes, "metadata", 8) != 0 || count > VHDX_MAX_ENTRIES)
        return false;
    *ret_count = count;
    return true;
}

void vhdx_metadata_item_decode(const uint8_t *table, unsigned index,
                               struct vhdx_metadata_item *ret_item)
{
    const uint8_t *bytes = table + METADATA_HEADER_SIZE + (size_t)index * ITEM_SIZE;
    uint32_t flags = get_le32(bytes + ITEM_FLAGS);

    memcpy(&ret_item->id, bytes, sizeof(struct guid));
    ret_item->offset = get_le32(bytes + ITEM_OFFSET);
    ret_item->length = get_le32(bytes + ITEM_LENGTH);
    ret_item->is_user = flags & ITEM_IS_USER;
    ret_item->is_virtual_disk = flags & ITEM_IS_VIRTUAL_DISK;
    ret_item->is_required = flags & ITEM_IS_REQUIRED;
}

void vhdx_metadata_table_init(uint8_t bytes[VHDX_METADATA_TABLE_SIZE], unsigned count)
{
    memset(bytes, 0, VHDX_METADATA_TABLE_SIZE);
    memcpy(bytes, "metadata", 8);
    put_le16(bytes + METADATA_COUNT, (uint16_t)count);
}

void vhdx_metadata_item_encode(uint8_t *table, unsigned index,
                               const struct vhdx_metadata_item *item)
{
    uint8_t *bytes = table + METADATA_HEADER_SIZE + (size_t)index * ITEM_SIZE;

    memcpy(bytes, &item->id, sizeof(struct guid));
    put_le32(bytes + ITEM_OFFSET, item->offset);
    put_le32(bytes + ITEM_LENGTH, item->length);
    put_le32(bytes + ITEM_FLAGS, (item->is_user ? ITEM_IS_USER : 0u) |
                                     (item->is_virtual_disk ? ITEM_IS_VIRTUAL_DISK : 0u) |
                                     (item->is_required ? ITEM_IS_REQUIRED : 0u));
}
