/*
 * Where a tree's blocks come from: one cursor that moves through the free
 * space, so that a file lies in one piece, and files in the order in which
 * they came.
 */
#ifndef EXT4_TREE_SPACE_H
#define EXT4_TREE_SPACE_H

#include <ext2fs/ext2fs.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct ext4_io;

struct tree_space {
    ext2_filsys fs;
    const struct ext4_io *io;
    blk64_t next; /* where to look first */
    bool full;    /* something didn't fit */
};

/* Takes a run of 1 to wanted free blocks. ERROR_REFUSED when none is left. */
int tree_space_take(struct tree_space *space, uint64_t wanted, blk64_t *ret_start,
                    uint64_t *ret_count, struct error *error);

/* Writes whole blocks. */
int tree_space_write(const struct tree_space *space, blk64_t start, uint64_t count,
                     const void *bytes, struct error *error);

/* The sentence for a libext2fs call that failed while path went in: ERROR_REFUSED when it was
 * for want of blocks or inodes. Always returns -1. */
int tree_space_set_error(struct tree_space *space, errcode_t code, const char *path,
                         struct error *error);

#endif
