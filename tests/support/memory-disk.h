/*
 * A disk in memory whose transactions can be taken back: many tries on one
 * image, without copying it.
 */
#ifndef TESTS_SUPPORT_MEMORY_DISK_H
#define TESTS_SUPPORT_MEMORY_DISK_H

#include "image-format/disk.h"

/* Reads the raw image at path whole. */
int memory_disk_open(const char *path, struct disk **ret_disk, struct error *error);

/* The disk's bytes. Changed directly, they are no part of a transaction. */
uint8_t *memory_disk_bytes(struct disk *disk);

/* Writes the bytes to the file at path. */
int memory_disk_save(struct disk *disk, const char *path, struct error *error);

#endif
