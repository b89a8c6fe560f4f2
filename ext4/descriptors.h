/*
 * Superblock and group descriptors: checking them, and writing their copies.
 */
#ifndef EXT4_DESCRIPTORS_H
#define EXT4_DESCRIPTORS_H

#include <ext2fs/ext2fs.h>
#include <stdint.h>

#include "base/error.h"
#include "ext4/geometry.h"

/* Each descriptor: its checksum, its tables within the filesystem (and, without flex_bg, within
 * the group), no table on another one, its counts within the group's. ERROR_CORRUPT names the
 * group and the value. */
int ext4_descriptors_check(const struct ext4_geometry *geometry, ext2_filsys fs,
                           struct error *error);

/* Sets the superblock's counts of free blocks and inodes (in memory) to the sums of the
 * descriptors': its own may lag behind on any filesystem. */
void ext4_sum_free_counts(const struct ext4_geometry *geometry, ext2_filsys fs);

/* Writes the superblock of the primary place. */
int ext4_write_super(ext2_filsys fs, struct error *error);

/* Writes the superblock's copy of a group that has one. */
int ext4_write_super_copy(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                          struct error *error);

/* Writes descriptor blocks [first, first + count) from memory to block place. */
int ext4_write_descriptors(ext2_filsys fs, uint64_t place, uint32_t first, uint32_t count,
                           struct error *error);

#endif
