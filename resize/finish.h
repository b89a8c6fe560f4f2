/*
 * What runs leave to do that were cut off: nothing that anybody would see in the filesystem, and so
 * there is no plan for it.
 */
#ifndef RESIZE_FINISH_H
#define RESIZE_FINISH_H

#include "ext4/preflight.h"
#include "image-format/disk.h"

/* Says in *ret_what, a constant for the user to read, what there is to do; NULL: nothing. A commit
 * of the disk may not be in its place yet; and where there is a filesystem (else NULL), copies of
 * its superblock and descriptors may be stale. Errors of the disk. */
int resize_find_unfinished(struct disk *disk, struct ext4 *ext4, const char **ret_what,
                           struct error *error);

/* Does all of that. Outside of a transaction of the disk, also after a failure. Errors of the
 * disk. */
int resize_finish(struct disk *disk, struct ext4 *ext4, struct error *error);

#endif
