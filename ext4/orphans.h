/*
 * Inodes that a power cut left in the middle of being deleted or truncated. The
 * superblock names the first of a chain, each member the next one (in the field that
 * later is its time of deletion); or they are listed in the orphan file. One without
 * links is deleted, with all that it holds; of one with links, what lies behind its
 * size goes.
 *
 * Sources: kernel Documentation/filesystems/ext4/orphan.rst, fs/ext4/{orphan,inode,xattr}.c.
 */
#ifndef EXT4_ORPHANS_H
#define EXT4_ORPHANS_H

#include "ext4/preflight.h"
#include "ext4/recovery.h"

/* Cleans up within the disk's open transaction: contents, bitmaps and descriptors are written,
 * the superblock is not. Adds to deleted and truncated of *recovery. ERROR_CORRUPT for a list that
 * can't be; ERROR_REFUSED for what isn't cleaned up here, with the remedy. */
int ext4_clean_orphans(struct ext4 *ext4, uint32_t now, struct ext4_recovery *recovery,
                       struct error *error);

/* The list alone, read and checked; nothing is written. Errors as above. */
int ext4_check_orphans(struct ext4 *ext4, struct error *error);

#endif
