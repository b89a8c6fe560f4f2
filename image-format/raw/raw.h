/*
 * Raw images, and block devices: the file's bytes are the disk's. The changes of
 * a transaction are staged beside it (image-format/journal/journal.h), so that a
 * power cut leaves the old disk, or the old one but longer, or the new one.
 *
 * Nothing in a raw file says that it is one. Any file is taken for raw that no
 * other format wants, if its size is a whole number of sectors or a filesystem or
 * a partition table begins in it; but none that is known to be something else.
 */
#ifndef IMAGE_FORMAT_RAW_RAW_H
#define IMAGE_FORMAT_RAW_RAW_H

#include "base/error.h"

struct disk;
struct file;

/* One bit for every file: the lowest bid that there is. */
int raw_probe(struct file *file, unsigned *ret_bits, struct error *error);

/* Opens the disk in file, for changing when file is writable; see image_open. What is no raw
 * image is refused here, with the reason: ERROR_NOT_IMAGE, or ERROR_UNSUPPORTED for a format that
 * is known by name only. */
struct disk *raw_open(struct file *file, struct error *error);

/* Whether the file may be taken for a raw image; see above. */
int raw_check(struct file *file, struct error *error);

#endif
