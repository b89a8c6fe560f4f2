/*
 * A file tree on its way into a new ext4 filesystem: entries come one by one,
 * as struct archive_entry and data, from a directory of the host or from a
 * tar archive. Inodes and data are written as they come, directories at the
 * end.
 *
 * Names are data from outside: each is resolved component by component from
 * the root of the tree, through directories of the tree only. "." and empty
 * components mean nothing, so "./a", "/a" and "a" are the same; ".." is
 * refused; a parent that hasn't come (yet) is made.
 */
#ifndef EXT4_TREE_IN_H
#define EXT4_TREE_IN_H

#include <archive_entry.h>
#include <ext2fs/ext2fs.h>
#include <stdbool.h>

#include "base/error.h"
#include "ext4/tree-data.h"

struct ext4_io;
struct tree_in;

/* fs is as mkfs leaves it: a root and lost+found; both, and io, outlive the tree. */
int tree_in_new(ext2_filsys fs, const struct ext4_io *io, struct tree_in **ret_tree,
                struct error *error);

/* Adds what entry says: its name, kind, owner, times, attributes; a hard link if it names one;
 * else for a file size bytes of data (NULL: only holes). What has the name already is replaced,
 * a directory keeps its names and takes the new metadata. */
int tree_in_add(struct tree_in *tree, struct archive_entry *entry, struct tree_data *data,
                struct error *error);

/* Writes the directories. */
int tree_in_finish(struct tree_in *tree, struct error *error);

/* True after a failure for want of blocks or inodes. */
bool tree_in_is_full(const struct tree_in *tree);

void tree_in_free(struct tree_in *tree);
static inline void cleanup_tree_in(struct tree_in **tree)
{
    tree_in_free(*tree);
}

#endif
