/*
 * Deleting or truncating one inode, and what its extended attributes hold on to.
 */
#ifndef EXT4_ORPHAN_INODE_H
#define EXT4_ORPHAN_INODE_H

#include "ext4/orphan-space.h"

struct orphan_work {
    struct orphan_space space;
    uint32_t now;
};

/* An inode in memory, of the size that the filesystem's inodes have. */
struct orphan_inode {
    uint32_t number;
    size_t size; /* bytes */
    struct ext2_inode_large *inode;
    uint64_t values; /* of extended attributes, in inodes of their own: set by
                        orphan_release_attributes. Its owner has them on account as inodes, and
                        i_blocks counts their blocks */
};

void orphan_inode_free(struct orphan_inode *inode); /* zeros are fine */

/* Reads an inode that must be in use; the caller frees, also after a failure. */
int orphan_inode_read(struct orphan_work *work, uint32_t number, struct orphan_inode *ret_inode,
                      struct error *error);
int orphan_inode_write(struct orphan_work *work, struct orphan_inode *inode, struct error *error);

/* Deletes it: its blocks, its hold on extended attributes, itself. */
int orphan_inode_delete(struct orphan_work *work, struct orphan_inode *inode, struct error *error);

/* Gives back what lies behind its size, and takes it off the list. */
int orphan_inode_truncate(struct orphan_work *work, struct orphan_inode *inode,
                          struct error *error);

/* Gives up the inode's hold on its block of extended attributes, and on the inodes that values
 * lie in; those that nobody else holds are deleted. */
int orphan_release_attributes(struct orphan_work *work, struct orphan_inode *inode,
                              struct error *error);

/* "inode N WHAT", and the remedy. Always returns -1. */
int orphan_bad(struct error *error, uint32_t number, const char *what);

#endif
