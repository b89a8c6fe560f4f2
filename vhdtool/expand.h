/*
 * Expanding an image: the disk and the filesystem on it, in one commit. All of
 * the command but its words.
 *
 * The order: lock, open, checks, plan, host space; then the transaction with
 * the disk's new size and the filesystem's new shape; then, in transactions of
 * their own, the copies of superblock and descriptors, and the space that the
 * first one freed. A power cut after the first leaves the new image, whole.
 */
#ifndef VHDTOOL_EXPAND_H
#define VHDTOOL_EXPAND_H

#include "vhdtool/change.h"

/* Without a size, the filesystem grows to the disk's. Takes ownership of file, which is open for
 * writing (for reading with dry_run). On failure, begun, changed and uncertain of *ret_report tell
 * the image's state; it is valid. */
int expand_image(struct file *file, const struct change_request *request,
                 struct change_report *ret_report, struct error *error);

#endif
