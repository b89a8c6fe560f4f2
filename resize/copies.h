/*
 * The copies of superblock and descriptors in other groups, for which the kernel has no use, but
 * e2fsck has where the first of them are lost. They are none of the filesystem's state: they are
 * written in place, after the commit of the change that they tell of.
 */
#ifndef RESIZE_COPIES_H
#define RESIZE_COPIES_H

#include "image-format/disk.h"
#include "resize/plan.h"

/* Tells whether copies tell of an earlier state: a superblock of another geometry, or torn (which
 * its checksum shows, where it has one), or descriptors of tables that lie elsewhere now. So they
 * are where a change was cut off between its commit and its copies, or before it. One that can't be
 * read is stale. Fails without memory alone. */
int resize_copies_are_stale(struct ext4 *ext4, bool *ret_stale, struct error *error);

/* Writes the plan's copies, in three transactions of their own, and in an order by which the next
 * run sees that this was cut off. Outside of a transaction, also after a failure. Errors of the
 * disk. */
int resize_copies_write(struct disk *disk, struct ext4 *ext4, const struct resize_plan *plan,
                        struct error *error);

/* Writes all copies anew, in the geometry that is there. Outside of a transaction, also after a
 * failure. Errors of the disk. */
int resize_copies_renew(struct disk *disk, struct ext4 *ext4, struct error *error);

#endif
