/*
 * Files and block devices of the host's system. These units (file-posix*.c) are
 * the only ones that call it, but for the one that walks through a folder of the
 * host which goes into an image.
 */
#ifndef IMAGE_FORMAT_FILE_POSIX_H
#define IMAGE_FORMAT_FILE_POSIX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct file;

/* Opens an existing file or block device. Refuses what is neither; and, when it is to be written,
 * a file that backs a loop device and a device that is mounted or otherwise in use (ERROR_BUSY,
 * with the device's name). Returns NULL and sets error.
 *
 * The side file of a file is called as the file that links lead to, and ".vhdtool-journal"; that
 * of a device lies in /var/tmp. */
struct file *file_posix_open(const char *path, bool writable, struct error *error);

/* Makes a file that has no final name yet, in the folder of path: file_posix_publish gives it the
 * name, and closing it before that removes it. Refuses when path exists. */
struct file *file_posix_create(const char *path, struct error *error);

/* Whether path is free for a new file: ERROR_REFUSED when anything is there. */
int file_posix_check_free(const char *path, struct error *error);

/* Flushes a file made by file_posix_create and gives it its name, without replacing another. */
int file_posix_publish(struct file *file, struct error *error);

/* Whether a file made by file_posix_create has its name, also when publishing it failed then. */
bool file_posix_is_published(const struct file *file);

/* An anonymous file of size bytes, all zeros, that lives in memory: a stage for libraries that
 * want a descriptor. *ret_descriptor belongs to the file. */
struct file *file_posix_scratch(uint64_t size, int *ret_descriptor, struct error *error);

#endif
