/*
 * A directory of the host as the source of a tree.
 */
#ifndef EXT4_TREE_HOST_H
#define EXT4_TREE_HOST_H

#include <ext2fs/ext2fs.h>

#include "base/error.h"

struct ext4_io;

/* Copies the tree below path into fs, a new filesystem, as `cp -a` would: mounts are crossed,
 * links aren't followed, hard links, holes and extended attributes are kept. In the order of
 * names, so that the same tree makes the same image. path's own metadata become the root's.
 * Errors: ERROR_REFUSED when the tree doesn't fit, with how much is missing. */
int ext4_tree_from_host(ext2_filsys fs, const struct ext4_io *io, const char *path,
                        struct error *error);

#endif
