/*
 * Sizes as resize2fs takes them: a number, and a letter for its unit.
 */
#ifndef EXT4RESIZE_SIZE_H
#define EXT4RESIZE_SIZE_H

#include <stdint.h>

/* Reads "12800", "512M", "1T", "2048s": blocks without a letter, sectors of 512 bytes with s,
 * powers of 1024 with K, M, G and T of either case; the number is decimal, or octal after 0, or
 * hexadecimal after 0x. Returns 0 and sets *ret_blocks, rounded down, or -1: it is no size, or none
 * that fits into a file, or not even one block. */
int size_read_blocks(const char *text, uint32_t block_size, uint64_t *ret_blocks);

#endif
