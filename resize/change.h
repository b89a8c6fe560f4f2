/*
 * The change of geometry: planned as a list of steps, and carried out in the
 * disk's open transaction.
 */
#ifndef RESIZE_CHANGE_H
#define RESIZE_CHANGE_H

#include "resize/plan.h"

/* Adds the steps to a plan whose geometries are set, and whose relocation is planned. Reads the
 * resize inode and checks it. Errors as resize_inode_check. */
int resize_plan_change(struct ext4 *ext4, struct resize_plan *plan, struct error *error);

/* Follows the plan's steps in the disk's open transaction, whose disk is large enough; all that
 * was to move has moved. now: seconds since 1970, for the superblock. After a failure, ext4 can
 * only be released. */
int resize_apply_change(struct ext4 *ext4, const struct resize_plan *plan, uint32_t now,
                        struct error *error);

/* Makes a plan whose copies are all those of superblock and descriptors, in the geometry that is
 * there; nothing else of it is to be carried out. The caller frees it, also after a failure. Fails
 * without memory alone. */
int resize_plan_copies(struct ext4 *ext4, struct resize_plan *ret_plan, struct error *error);

/* Writes one of the plan's copies in the disk's open transaction; in place where io.committed_size
 * is 0. Errors of the disk. */
int resize_apply_copy(struct ext4 *ext4, const struct resize_plan *plan,
                      const struct resize_step *step, struct error *error);

#endif
