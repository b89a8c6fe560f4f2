/*
 * Opening an image, whatever its format: the format is found from the content.
 */
#ifndef IMAGE_FORMAT_IMAGE_H
#define IMAGE_FORMAT_IMAGE_H

#include "base/error.h"

struct disk;
struct file;

/* Opens the virtual disk in file, for changing when file is writable. A dirty log or a pending
 * journal is replayed in memory, and on disk when the first change begins.
 * Takes ownership of file, also on failure. Returns NULL and sets error: ERROR_NOT_IMAGE,
 * ERROR_CORRUPT, ERROR_UNSUPPORTED, ERROR_REFUSED (a journal that doesn't fit), ERROR_SYSTEM. */
struct disk *image_open(struct file *file, struct error *error);

#endif
