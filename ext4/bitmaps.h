/*
 * The bitmaps of single groups, read, checked and written one at a time: no
 * bitmap of the whole filesystem is held in memory.
 */
#ifndef EXT4_BITMAPS_H
#define EXT4_BITMAPS_H

#include <ext2fs/ext2fs.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ext4/geometry.h"

/* Sets or clears the clusters of a run of blocks in the block bitmap of a group; blocks outside
 * of the group are passed over. */
void ext4_bitmap_mark(const struct ext4_geometry *geometry, uint32_t group, uint8_t *bitmap,
                      struct ext4_run run, bool used);

/* Clusters among the group's that the bitmap has as free. */
uint32_t ext4_bitmap_free(const struct ext4_geometry *geometry, uint32_t group,
                          const uint8_t *bitmap);

/* The first bit from first on, below limit, that is used or is not; limit: none. */
uint32_t ext4_bitmap_next(const uint8_t *bitmap, uint32_t first, uint32_t limit, bool used);

/* What the block bitmap of an uninitialised group means: its head and those of its own tables
 * that lie in it (kernel: ext4_init_block_bitmap). bitmap: block_size bytes, padding set. */
void ext4_bitmap_init(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                      uint8_t *bitmap);

/* Clusters that are free in an uninitialised group. work: block_size bytes. */
uint32_t ext4_bitmap_implied_free(const struct ext4_geometry *geometry, ext2_filsys fs,
                                  uint32_t group, uint8_t *work);

/* Bits behind the last cluster, to the end of the block, are ones. */
void ext4_bitmap_set_padding(const struct ext4_geometry *geometry, uint32_t group, uint8_t *bitmap);

/* Reads the block bitmap of a group, or makes that of an uninitialised one; block_size bytes. */
int ext4_bitmap_read(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                     uint8_t *bitmap, struct error *error);

/* Writes the block bitmap of a group that is initialised from now on, and puts its checksum and
 * free count into the descriptor (in memory). */
int ext4_bitmap_write(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                      uint8_t *bitmap, struct error *error);

/* Reads all bitmaps that are initialised, and compares them with their checksums and with the
 * counts of the descriptors; in its block bitmap, a group's own head and tables must be in use, or
 * it is the bitmap of something else. ERROR_CORRUPT names the group and both numbers. */
int ext4_bitmaps_check(const struct ext4_geometry *geometry, ext2_filsys fs, struct error *error);

#endif
