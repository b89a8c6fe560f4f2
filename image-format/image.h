/*
 * Opening an image, whatever its format: the format is found from the content.
 */
#ifndef IMAGE_FORMAT_IMAGE_H
#define IMAGE_FORMAT_IMAGE_H

#include <stdbool.h>

#include "base/error.h"

struct disk;
struct file;

/* Opens the virtual disk in file, for changing when file is writable. A dirty log or a pending
 * journal is replayed in memory, and on disk by image_finish, or when the first change begins.
 * Takes ownership of file, also on failure. Returns NULL and sets error: ERROR_NOT_IMAGE,
 * ERROR_CORRUPT, ERROR_UNSUPPORTED, ERROR_REFUSED (a journal that doesn't fit), ERROR_SYSTEM. */
struct disk *image_open(struct file *file, struct error *error);

/* Carries out in the file what was committed and then cut off: other programs may not know of the
 * journal. *ret_finished: there was something, also after a failure, when some of it may be in the
 * file. What was cut off before its commit is dropped. Before the first transaction of the disk.
 * Errors of the disk. */
int image_finish(struct disk *disk, bool *ret_finished, struct error *error);

#endif
