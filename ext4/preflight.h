/*
 * Opening a filesystem that is to be changed: everything that speaks against
 * it is found here, before the first write. What the superblock alone tells is a
 * row of one table; then descriptors and bitmaps are read.
 */
#ifndef EXT4_PREFLIGHT_H
#define EXT4_PREFLIGHT_H

#include <stdbool.h>

#include "base/error.h"
#include "ext4/geometry.h"
#include "ext4/io.h"

/* A filesystem that is open for changing. */
struct ext4 {
    struct ext4_io io;
    ext2_filsys fs;
    struct ext4_geometry geometry;
};

/* Opens the filesystem that begins at byte 0 of the disk, which stays the caller's and outlives
 * it. force overrides
 * the multiple-mount protection. *ret_ext4 must not be moved afterwards.
 * The journal is empty then. ERROR_REFUSED, ERROR_UNSUPPORTED and ERROR_CORRUPT name what was found
 * and the remedy. */
int ext4_open_checked(struct disk *disk, bool force, struct ext4 *ret_ext4, struct error *error);

/* The first steps of ext4_open_checked, for recovery: passed over is what it mends (a journal to
 * replay, orphans). The superblock: read, its checksum and its numbers checked, and what it alone
 * speaks against; the multiple-mount protection. Then opening, when the journal has been replayed,
 * with the descriptors checked and the bitmaps not. */
int ext4_check_super(struct disk *disk, struct ext2_super_block *ret_super,
                     struct ext4_geometry *ret_geometry, struct error *error);
int ext4_open_recovering(struct disk *disk, struct ext4 *ret_ext4, struct error *error);

/* Closes without writing; what ext4_open_checked left or zeros are fine. */
void ext4_release(struct ext4 *ext4);

/* True when the disk begins with the magic number of ext2, ext3 or ext4. */
int ext4_is_there(struct disk *disk, bool *ret_is_there, struct error *error);

#endif
