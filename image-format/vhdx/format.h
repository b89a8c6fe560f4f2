/*
 * The bytes of a VHDX file: constants, and decoding and encoding of each
 * structure into host structs. Pure functions; nothing here reads a file.
 */
#ifndef IMAGE_FORMAT_VHDX_FORMAT_H
#define IMAGE_FORMAT_VHDX_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/checked.h"
#include "base/guid.h"

#define VHDX_UNIT MIB          /* everything in the file is aligned to this */
#define VHDX_SECTOR_SIZE 4096u /* what the log updates */
#define VHDX_HEADER_SIZE 4096u
#define VHDX_REGION_TABLE_SIZE 65536u
#define VHDX_METADATA_TABLE_SIZE 65536u
#define VHDX_MAX_ENTRIES 2047u           /* of a region table or metadata table */
#define VHDX_MAX_VIRTUAL_SIZE (64 * TIB) /* 2.6.2.2 */
#define VHDX_MIN_BLOCK_SIZE (1 * MIB)    /* 2.6.2.1 */
#define VHDX_MAX_BLOCK_SIZE (256 * MIB)
#define VHDX_BAT_ENTRY_SIZE 8u
#define VHDX_LOGGABLE_START (192 * KIB) /* what lies before is never logged */

extern const uint64_t vhdx_header_offsets[2];       /* 2.2 */
extern const uint64_t vhdx_region_table_offsets[2]; /* 2.2 */

extern const struct guid vhdx_region_bat, vhdx_region_metadata; /* 2.2.3.2 */
extern const struct guid vhdx_item_file_parameters, vhdx_item_virtual_size, vhdx_item_disk_id,
    vhdx_item_logical_sector, vhdx_item_physical_sector, vhdx_item_parent_locator; /* 2.6.2 */
/* Marks a file whose creation hasn't ended; known from Windows and openvmm, not in MS-VHDX. */
extern const struct guid vhdx_item_incomplete;

/* 2.2.1: the file begins with this signature and a creator in UTF-16LE. */
#define VHDX_SIGNATURE "vhdxfile"
#define VHDX_SIGNATURE_SIZE 8u
#define VHDX_CREATOR_UNITS 256u /* UTF-16 units */

struct vhdx_header { /* 2.2.2 */
    uint64_t sequence;
    struct guid file_write, data_write;
    struct guid log; /* zero: the log is empty */
    uint16_t log_version, version;
    uint32_t log_length; /* bytes */
    uint64_t log_offset; /* bytes */
};

/* False when signature or checksum don't fit. */
bool vhdx_header_decode(const uint8_t bytes[VHDX_HEADER_SIZE], struct vhdx_header *ret_header);
void vhdx_header_encode(const struct vhdx_header *header, uint8_t bytes[VHDX_HEADER_SIZE]);

struct vhdx_region { /* 2.2.3.2 */
    struct guid id;
    uint64_t offset; /* bytes */
    uint32_t length; /* bytes */
    bool required;
};

/* False when signature, checksum or count don't fit. */
bool vhdx_region_table_decode(const uint8_t bytes[VHDX_REGION_TABLE_SIZE], unsigned *ret_count);
void vhdx_region_decode(const uint8_t *table, unsigned index, struct vhdx_region *ret_region);
/* Makes an empty table; puts a region in at index; sets count and checksum. */
void vhdx_region_table_init(uint8_t bytes[VHDX_REGION_TABLE_SIZE]);
void vhdx_region_encode(uint8_t *table, unsigned index, const struct vhdx_region *region);
void vhdx_region_table_seal(uint8_t bytes[VHDX_REGION_TABLE_SIZE], unsigned count);

struct vhdx_metadata_item { /* 2.6.1.2 */
    struct guid id;
    uint32_t offset; /* bytes, from the region's start */
    uint32_t length; /* bytes */
    bool is_user, is_virtual_disk, is_required;
};

/* False when the signature or the count don't fit. */
bool vhdx_metadata_table_decode(const uint8_t bytes[VHDX_METADATA_TABLE_SIZE], unsigned *ret_count);
void vhdx_metadata_item_decode(const uint8_t *table, unsigned index,
                               struct vhdx_metadata_item *ret_item);
void vhdx_metadata_table_init(uint8_t bytes[VHDX_METADATA_TABLE_SIZE], unsigned count);
void vhdx_metadata_item_encode(uint8_t *table, unsigned index,
                               const struct vhdx_metadata_item *item);

/* 2.6.2.1, bits of the file parameters' second word */
#define VHDX_LEAVE_BLOCKS_ALLOCATED 1u
#define VHDX_HAS_PARENT 2u

enum vhdx_block_state { /* 2.5.1.1; 4 and 5 are reserved */
                        VHDX_BLOCK_NOT_PRESENT = 0,
                        VHDX_BLOCK_UNDEFINED = 1,
                        VHDX_BLOCK_ZERO = 2,
                        VHDX_BLOCK_UNMAPPED = 3,
                        VHDX_BLOCK_UNMAPPED_DRAFT =
                            5, /* an old draft of the specification: read as UNMAPPED */
                        VHDX_BLOCK_FULLY_PRESENT = 6,
                        VHDX_BLOCK_PARTIALLY_PRESENT = 7,
};

/* A BAT entry is 3 bits of state and, from bit 20, the offset in MiB (2.5.1). */
static inline enum vhdx_block_state vhdx_entry_state(uint64_t entry)
{
    return (enum vhdx_block_state)(entry & 7);
}

static inline uint64_t vhdx_entry_offset(uint64_t entry) /* bytes; it fits below 2^64 */
{
    return entry & ~(MIB - 1);
}

static inline uint64_t vhdx_entry(enum vhdx_block_state state, uint64_t offset)
{
    return offset | (uint64_t)state;
}

/* True when the entry's place in the file belongs to it: its content, or what was its content. */
static inline bool vhdx_entry_has_place(uint64_t entry)
{
    enum vhdx_block_state state = vhdx_entry_state(entry);

    return vhdx_entry_offset(entry) != 0 && state != VHDX_BLOCK_NOT_PRESENT &&
           state != VHDX_BLOCK_ZERO;
}

/* How many payload entries one bitmap entry follows (2.5): 2^23 sectors a chunk. */
static inline uint64_t vhdx_chunk_ratio(uint32_t block_size, uint32_t logical_sector_size)
{
    return ((uint64_t)logical_sector_size << 23) / block_size;
}

static inline uint64_t vhdx_bat_index(uint64_t block, uint64_t chunk_ratio)
{
    return block + block / chunk_ratio;
}

/* The number of BAT entries of a dynamic or fixed disk (2.5). */
static inline uint64_t vhdx_bat_entries(uint64_t blocks, uint64_t chunk_ratio)
{
    return blocks == 0 ? 0 : vhdx_bat_index(blocks - 1, chunk_ratio) + 1;
}

#endif
