/*
 * The copies of superblock and descriptors in other groups, for which the kernel has no use, but
 * e2fsck has where the first of them are lost. They are none of the filesystem's state: they are
 * written in place, after the commit of the change that they tell of.
 */
#ifndef RESIZE_COPIES_H
#define RESIZE_COPIES_H

#include "image-format/disk.h"
#include "resize/plan.h"

/* Tells whether a copy of the superblock has another geometry than the superblock, or is torn: then
 * a change was committed, and cut off before its copies were all written. */
int resize_copies_are_stale(struct ext4 *ext4, bool *ret_stale, struct error *error);

/* Writes what copies lists, of a plan that is carried out, outside of a transaction of the disk. */
int resize_copies_write(struct disk *disk, struct ext4 *ext4, const struct resize_plan *plan,
                        struct error *error);

#endif
