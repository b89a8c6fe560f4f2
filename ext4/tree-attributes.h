/*
 * Extended attributes and POSIX access control lists of a struct
 * archive_entry, into ext4's extended attributes.
 */
#ifndef EXT4_TREE_ATTRIBUTES_H
#define EXT4_TREE_ATTRIBUTES_H

#include <archive_entry.h>
#include <ext2fs/ext2fs.h>

#include "base/error.h"
#include "ext4/tree-space.h"

/* Gives the inode, which is written already, the attributes of entry, and no others. Namespaces
 * that ext4 doesn't have (those of the host's filesystem) are left out. ERROR_UNSUPPORTED when
 * there are more than ext4 can hold: what fits into the inode and one block. */
int tree_attributes_store(struct tree_space *space, ext2_ino_t ino, struct archive_entry *entry,
                          struct error *error);

/* The permission bits as the inode has them: the group's are the list's mask where it has one,
 * while libarchive has the group's own there. */
unsigned tree_attributes_permissions(struct archive_entry *entry, unsigned permissions);

#endif
