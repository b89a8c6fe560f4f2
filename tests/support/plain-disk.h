/*
 * A raw file as a struct disk, for tests: writes go straight through, begin,
 * commit and abort do nothing. The file's size is the disk's.
 */
#ifndef TESTS_SUPPORT_PLAIN_DISK_H
#define TESTS_SUPPORT_PLAIN_DISK_H

#include "image-format/disk.h"

/* Opens the file at path for reading and writing. 0, or -1 and the error. */
int plain_disk_open(const char *path, struct disk **ret_disk, struct error *error);

#endif
