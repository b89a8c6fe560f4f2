/*
 * The resize inode (number 7) owns the blocks reserved for more descriptors. It
 * has one double-indirect block, in which entry i stands for descriptor block
 * i; the reserved block behind the primary descriptors that it names lists the
 * same block of every copy, by group (kernel: fs/ext4/resize.c,
 * verify_reserved_gdb).
 */
#ifndef RESIZE_RESIZE_INODE_H
#define RESIZE_RESIZE_INODE_H

#include "ext4/preflight.h"

/* Compares inode and blocks with what the geometry says they are. ERROR_CORRUPT when they differ:
 * e2fsck would have to mend them. Sets the place of the double-indirect block. */
int resize_inode_check(struct ext4 *ext4, uint64_t *ret_double_indirect, struct error *error);

/* The block of the inode table that holds the inode. */
uint64_t resize_inode_block(const struct ext4 *ext4);

/* Writes inode and blocks for geometry. */
int resize_inode_rebuild(struct ext4 *ext4, const struct ext4_geometry *geometry,
                         struct error *error);

/* Writes the inode empty. Its double-indirect block is the caller's to free. */
int resize_inode_clear(struct ext4 *ext4, struct error *error);

#endif
