/*
 * A directory's blocks, laid out once with all names known: one block in the
 * order of names, or more as a hashed tree, as the kernel would have it.
 */
#ifndef EXT4_TREE_DIRECTORY_H
#define EXT4_TREE_DIRECTORY_H

#include "base/error.h"
#include "ext4/tree-names.h"
#include "ext4/tree-space.h"

/* Writes the directory's blocks and brings its inode up to date, both of size and links. The
 * inode exists, and has blocks only where mkfs gave it some. */
int tree_directory_write(struct tree_space *space, const struct tree_directory *directory,
                         struct error *error);

#endif
