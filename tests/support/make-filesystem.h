/*
 * Real ext4 filesystems for tests, made by mke2fs and filled by debugfs: the
 * same bytes at every run, and no need to be root or to mount.
 */
#ifndef TESTS_SUPPORT_MAKE_FILESYSTEM_H
#define TESTS_SUPPORT_MAKE_FILESYSTEM_H

#include <stdint.h>

#include "base/error.h"

/* Makes a filesystem of size bytes in a temporary raw file. mkfs_options are words of mke2fs's
 * command line, put after "-t ext4" and a fixed UUID; NULL: none.
 *
 * trees: how many folders tree0, tree1 ... it gets, each about 1.8 MiB: files from 0 bytes to
 * 1 MiB, one with holes, a folder with 200 names, short and long symbolic links, extended
 * attributes in the inode and in a block, two names of one inode, owners beyond 65535.
 *
 * Returns the path, the caller's to free with filesystem_remove, or NULL and sets error (to the
 * program's own words where it failed). */
char *make_filesystem(const char *mkfs_options, uint64_t size, unsigned trees, struct error *error);

/* Unlinks and frees; NULL is fine. */
void filesystem_remove(char *path);

#endif
