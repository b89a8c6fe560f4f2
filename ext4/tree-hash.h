/*
 * A directory as a hashed tree (htree): blocks of entries sorted by the hash
 * of their names, an index over them in the directory's first block, and one
 * more level of index blocks behind where that has no room.
 */
#ifndef EXT4_TREE_HASH_H
#define EXT4_TREE_HASH_H

#include <ext2fs/ext2fs.h>
#include <stdbool.h>

#include "base/error.h"
#include "ext4/tree-names.h"
#include "ext4/tree-pack.h"

/* Fills the empty pack. *ret_fits is false, and the pack of no use, when two levels don't reach
 * (millions of names): such a directory can only be a plain list. */
int tree_hash_pack(ext2_filsys fs, const struct tree_directory *directory, struct tree_pack *pack,
                   bool *ret_fits, struct error *error);

#endif
