/*
 * What of the disk a filesystem doesn't use, from its own bitmaps: free blocks, the
 * parts of inode tables that no inode was ever in (bg_itable_unused), and a journal that is empty.
 * Reads bitmaps and descriptors, and no inode but the journal's.
 */
#ifndef EXT4_UNUSED_H
#define EXT4_UNUSED_H

#include "ext4/preflight.h"
#include "image-format/disk.h"

/* size bytes of the disk at offset. FREE: free blocks; BLANK: unused parts of inode tables, which
 * the kernel and e2fsck may take for zeroed, and of the journal, which must hold no old records.
 * Anything but 0 ends the walk. */
typedef int ext4_unused_visit(enum disk_unused_kind kind, uint64_t offset, uint64_t size,
                              void *context, struct error *error);

/* Visits, in ascending order and disjoint, all that an open filesystem doesn't use below its end;
 * ranges may touch. The boot block, heads of groups, bitmaps and all that a bitmap has as
 * used count as used. An inode table's part counts as unused only where the inode bitmap agrees. */
int ext4_unused_each(struct ext4 *ext4, ext4_unused_visit *visit, void *context,
                     struct error *error);

#endif
