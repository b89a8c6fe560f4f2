/*
 * VHDX, as a disk. Source: MS-VHDX v20210625 (section numbers in the code).
 */
#ifndef IMAGE_FORMAT_VHDX_VHDX_H
#define IMAGE_FORMAT_VHDX_VHDX_H

#include <stdint.h>

#include "base/error.h"
#include "base/guid.h"

struct disk;
struct file;

struct vhdx_create_options {
    uint64_t virtual_size;         /* bytes, a multiple of the logical sector, up to 64 TiB */
    uint32_t block_size;           /* bytes, a power of two, 1 MiB to 256 MiB */
    uint32_t logical_sector_size;  /* 512 or 4096 */
    uint32_t physical_sector_size; /* 512 or 4096 */
    struct guid id;                /* of the virtual disk */
};

/* How many bits of the file speak for this format: 64 when it begins with its signature. */
int vhdx_probe(struct file *file, unsigned *ret_bits, struct error *error);

/* Opens the disk in file, for changing when file is writable; see image_open. */
struct disk *vhdx_open(struct file *file, struct error *error);

/* Whether the options lie within the format's limits; ERROR_USAGE names the value. */
int vhdx_create_check(const struct vhdx_create_options *options, struct error *error);

/* Writes an empty dynamic VHDX into an empty file and flushes it. The file stays the caller's.
 * ERROR_USAGE for options outside the format's limits. */
int vhdx_create(struct file *file, const struct vhdx_create_options *options, struct error *error);

#endif
