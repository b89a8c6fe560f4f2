/*
 * Checks of extended attributes: those in an inode's body, and those in a block
 * of their own, which many inodes may share. Contents are of interest only as
 * far as e2fsck would mend them; with ea_inode, values in other inodes are
 * charged to the inode that has the attribute.
 *
 * Sources: kernel Documentation/filesystems/ext4/attributes.rst; fs/ext4/xattr.c.
 */
#ifndef EXT4_XATTR_CHECK_H
#define EXT4_XATTR_CHECK_H

#include "ext4/preflight.h"

struct xattr_facts {
    uint64_t charged_clusters; /* values in other inodes, as i_blocks counts them */
    bool has_inline_data;      /* system.data is there */
};

/* Looks at the body of an inode of inode_size bytes, and adds to what is in the facts. */
int xattr_check_body(struct ext4 *ext4, uint32_t number, struct ext2_inode_large *inode,
                     struct xattr_facts *facts, struct error *error);

/* Looks at a block, block_size bytes that were read from place. */
int xattr_check_block(struct ext4 *ext4, uint32_t number, uint64_t place, uint8_t *block,
                      struct xattr_facts *facts, struct error *error);

/* The blocks that were met and have inodes left that must refer to them. */
struct xattr_sharing {
    struct shared_xattrs *table; /* open addressing; place 0: free */
    size_t count, capacity;
};

/* An inode refers to the block at place. Sets *ret_is_first when none did before, or all that were
 * to have come: the block is read and checked, and claimed once. work: block_size bytes. */
int xattr_meet_block(struct xattr_sharing *sharing, struct ext4 *ext4, uint32_t number,
                     uint64_t place, uint8_t *work, struct xattr_facts *facts, bool *ret_is_first,
                     struct error *error);

/* Whether all inodes have come that the blocks count. */
int xattr_check_sharing(const struct xattr_sharing *sharing, struct error *error);

void xattr_sharing_free(struct xattr_sharing *sharing); /* zeros are fine */

#endif
