/*
 * Shrinking an image: the filesystem and the disk. All of the command but its words.
 *
 * The order: lock, open, what is on the disk; recovery; checks, plan, host space, and that what is
 * cut off behind the filesystem is zeros; then the commits of resize/run.h, the last of which
 * changes the filesystem and the disk at one instant; then the file is compacted (but a raw one,
 * which is as long as its disk). A power cut leaves the old size or the new one, with the same
 * files.
 */
#ifndef VHDTOOL_SHRINK_H
#define VHDTOOL_SHRINK_H

#include "vhdtool/change.h"

/* The size for as small as the filesystem can be. */
#define SHRINK_TO_MINIMUM "min"

/* request->size is there. Takes ownership of file, which is open for writing (for reading with
 * dry_run). On failure, begun, moved, changed and uncertain of *ret_report tell the image's state;
 * it is valid. */
int shrink_image(struct file *file, const struct change_request *request,
                 struct change_report *ret_report, struct error *error);

#endif
