/*
 * What a run leaves to do that was cut off after its commit: nothing that anybody would see in the
 * filesystem, and so there is no plan for it.
 */
#ifndef RESIZE_FINISH_H
#define RESIZE_FINISH_H

#include "ext4/preflight.h"
#include "image-format/disk.h"

/* Tells whether the disk holds a commit that isn't in its place yet, or, where there is a
 * filesystem (else NULL), stale copies of its superblock. */
int resize_is_unfinished(struct disk *disk, struct ext4 *ext4, bool *ret_unfinished,
                         struct error *error);

/* Does what is left. Outside of a transaction of the disk; afterwards ext4 can only be
 * released. */
int resize_finish(struct disk *disk, struct ext4 *ext4, struct error *error);

#endif
