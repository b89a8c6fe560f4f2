/*
 * CRC-32C (Castagnoli), as VHDX and ext4 use it.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of size bytes after those that gave crc; 0 to begin. Starts from and ends with
 * all ones, so the pieces of a message may be fed one after another (MS-VHDX 2.2.2). */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);

/* The same on every machine: what crc32c does where the processor has no instruction for it. */
uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t size);

#endif
