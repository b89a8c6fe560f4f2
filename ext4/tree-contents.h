/*
 * What an inode holds: a file's data, a symbolic link's target, a device's
 * numbers.
 */
#ifndef EXT4_TREE_CONTENTS_H
#define EXT4_TREE_CONTENTS_H

#include <archive_entry.h>
#include <ext2fs/ext2fs.h>
#include <stdint.h>

#include "base/error.h"
#include "ext4/tree-data.h"
#include "ext4/tree-inode.h"
#include "ext4/tree-space.h"

/* Stores the contents of entry's file into the inode and blocks of its own; the inode is written
 * by the caller. data is a regular file's, NULL for only holes; buffer is tree_data_copy's. */
int tree_contents_store(struct tree_space *space, uint8_t *buffer, ext2_ino_t ino,
                        struct archive_entry *entry, struct tree_data *data,
                        union tree_inode *inode, struct error *error);

#endif
