/*
 * What a struct archive_entry says of a file, as an ext4 inode.
 */
#ifndef EXT4_TREE_INODE_H
#define EXT4_TREE_INODE_H

#include <archive_entry.h>
#include <ext2fs/ext2fs.h>
#include <stdint.h>

#include "base/error.h"

/* As large as the inodes of a filesystem that ext4_create makes, so that reading and writing it
 * takes in the attributes that lie within. */
#define TREE_INODE_SIZE 256

union tree_inode {
    struct ext2_inode_large large;
    uint8_t bytes[TREE_INODE_SIZE];
};

/* An inode without contents, one link: type and permissions, all times now. */
void tree_inode_init(union tree_inode *inode, uint16_t mode, int64_t now);

/* Owner, permissions and times of entry; what it doesn't say becomes now. The file type stays. */
int tree_inode_set_metadata(union tree_inode *inode, struct archive_entry *entry, int64_t now,
                            struct error *error);

/* The device's numbers, in the place of block numbers. */
void tree_inode_set_device(union tree_inode *inode, struct archive_entry *entry);

/* EXT2_FT_ for a mode; EXT2_FT_UNKNOWN for what ext4 doesn't have. */
uint8_t tree_inode_file_type(unsigned mode);

#endif
