/*
 * Looking for what is on a disk at all.
 */
#ifndef IMAGE_FORMAT_ZEROS_H
#define IMAGE_FORMAT_ZEROS_H

#include <stdint.h>

#include "base/error.h"

struct disk;
struct disk_watch;

/* The first byte at or behind offset that isn't zero; the disk's size where there is none. Reads
 * what is stored, and no more. watch (which may be NULL) is asked between the pieces. */
int disk_find_nonzero(struct disk *disk, uint64_t offset, const struct disk_watch *watch,
                      uint64_t *ret_offset, struct error *error);

#endif
