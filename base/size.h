/*
 * Sizes as people write them. Powers of 1024 whatever the suffix, as WSL,
 * diskpart and qemu-img have it.
 */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdint.h>

#define SIZE_TEXT_SIZE 32

/* Reads "512", "64K", "1.5T", "1TB", "1TiB", case aside; with a leading + or -, relative to
 * present. Returns 0 and sets *ret_size (bytes), or -1: not a size, or it doesn't fit into 63
 * bits, or it falls below zero. */
int size_parse(const char *text, uint64_t present, uint64_t *ret_size);

/* "1.5 TiB": three significant digits at most, the largest unit that keeps it at 1 or above. */
void size_format(uint64_t bytes, char text[SIZE_TEXT_SIZE]);

#endif
