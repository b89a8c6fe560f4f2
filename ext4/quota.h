/*
 * The quota files inside a filesystem with the quota feature: what a user, group
 * or project takes up. Source: kernel fs/quota/quota_tree.c, quotaio_v2.h.
 */
#ifndef EXT4_QUOTA_H
#define EXT4_QUOTA_H

#include "ext4/preflight.h"

/* The inode's owner, group and project take up bytes more (less where negative), as
 * filesystems with the quota feature count it; nothing to do without it. Written through the
 * filesystem's io, in place of the old records. inode: before the change.
 * ERROR_CORRUPT when a file's structure or a record isn't there. */
int ext4_quota_add(struct ext4 *ext4, const struct ext2_inode_large *inode, int64_t bytes,
                   struct error *error);

#endif
