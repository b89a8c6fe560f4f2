/*
 * The digest of an ext4 file tree, so that "the same tree as before" can be
 * checked without mounting and without being root.
 */
#ifndef TESTS_SUPPORT_TREE_DIGEST_H
#define TESTS_SUPPORT_TREE_DIGEST_H

#include "base/error.h"
#include "tests/support/digest.h"

/* Covers, path by path: type and mode, owner, size (not of directories), time of change, contents
 * (holes and zeros are alike), targets of links, device numbers, extended attributes, and which
 * names belong to one inode. Doesn't depend on inode numbers, block numbers, or the order of
 * names in a directory. path: a raw image. Nothing is written. */
int tree_digest(const char *path, struct digest *ret_digest, struct error *error);

#endif
