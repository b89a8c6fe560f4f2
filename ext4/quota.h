/*
 * The quota files inside a filesystem with the quota feature: what a user, group
 * or project takes up. Sources: kernel Documentation/filesystems/quota.rst, fs/quota/{quota_tree.c,
 * quotaio_v2.h}.
 */
#ifndef EXT4_QUOTA_H
#define EXT4_QUOTA_H

#include <stdbool.h>

#include "ext4/preflight.h"

/* Whether an inode is on its owner's account. Reserved ones but the root aren't, nor are quota
 * files and the orphan file, nor values of extended attributes: these are on the account of the
 * inodes whose attributes they hold, each as one inode of its size in whole clusters. */
bool ext4_quota_counts(const struct ext4 *ext4, uint32_t number,
                       const struct ext2_inode_large *inode);

/* An inode that counts: its owner, group and project take up bytes and inodes more (less where
 * negative), as filesystems with the quota feature count it; nothing to do without it. Written
 * through the filesystem's io, in place of the old records. inode: before the change, with room
 * for a struct ext2_inode_large.
 * ERROR_CORRUPT when a file's structure is damaged, or a record isn't there or too small. */
int ext4_quota_add(struct ext4 *ext4, const struct ext2_inode_large *inode, int64_t bytes,
                   int64_t inodes, struct error *error);

#endif
