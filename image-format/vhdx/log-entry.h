/*
 * The bytes of log entries (MS-VHDX 2.3.1). Pure functions.
 *
 * An entry is descriptor sectors (the first with a header of 64 bytes) and one
 * data sector for each data descriptor. A data sector gives its first 8 and
 * last 4 bytes to the descriptor, for its signature and sequence number.
 */
#ifndef IMAGE_FORMAT_VHDX_LOG_ENTRY_H
#define IMAGE_FORMAT_VHDX_LOG_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/guid.h"

struct vhdx_log_entry {
    uint32_t checksum;
    uint32_t length; /* bytes, a multiple of the sector */
    uint32_t tail;   /* bytes from the log's start */
    uint64_t sequence;
    uint32_t descriptor_count;
    struct guid log;
    uint64_t flushed_file_offset; /* bytes: the file was at least as long */
    uint64_t last_file_offset;    /* bytes: the file must be made at least as long */
};

enum vhdx_log_descriptor_kind { VHDX_LOG_ZERO, VHDX_LOG_DATA };

struct vhdx_log_descriptor {
    enum vhdx_log_descriptor_kind kind;
    uint64_t file_offset;            /* bytes */
    uint64_t zero_length;            /* bytes; of a zero descriptor */
    uint8_t leading[8], trailing[4]; /* of a data descriptor */
};

/* How many sectors hold count descriptors with the header. */
uint32_t vhdx_log_descriptor_sectors(uint32_t count);

/* Bytes of an entry of count data descriptors. */
uint64_t vhdx_log_entry_size(uint32_t count);

/* False when the sector doesn't begin an entry. Numbers are not checked. */
bool vhdx_log_entry_decode(const uint8_t *sector, struct vhdx_log_entry *ret_entry);

/* Puts the header into a first sector, with the checksum that it has. */
void vhdx_log_entry_encode(const struct vhdx_log_entry *entry, uint8_t *sector);

/* The checksum of the first sector when its own field counts as zero, to go on with. */
uint32_t vhdx_log_first_sector_checksum(const uint8_t *sector);

/* The place of descriptor index in an entry's descriptor sectors, in bytes. */
uint64_t vhdx_log_descriptor_place(uint32_t index);

/* False when the signature or the sequence number is another. */
bool vhdx_log_descriptor_decode(const uint8_t *bytes, uint64_t sequence,
                                struct vhdx_log_descriptor *ret_descriptor);

/* True when the sector is a data sector of that sequence number. */
bool vhdx_log_data_sector_fits(const uint8_t *sector, uint64_t sequence);

/* Splits an update of one file sector into its data descriptor and its data sector. */
void vhdx_log_data_encode(uint64_t file_offset, uint64_t sequence, const uint8_t *update,
                          uint8_t *descriptor, uint8_t *data_sector);

/* Puts the split bytes back into a data sector: it is the update then. */
void vhdx_log_data_restore(const struct vhdx_log_descriptor *descriptor, uint8_t *data_sector);

#endif
