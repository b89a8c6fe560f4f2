/*
 * Which clusters are free: in the committed filesystem, and in the one that is
 * being made of it. Groups' block bitmaps are read when they are first asked for, and written
 * when they have changed. ext4/io.c asks here what may be written in place.
 */
#ifndef EXT4_SPACE_H
#define EXT4_SPACE_H

#include <ext2fs/ext2fs.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ext4/geometry.h"

struct ext4;
struct ext4_space;

/* Of an open filesystem, which outlives it; its io asks it from now on. NULL sets error. */
struct ext4_space *ext4_space_new(struct ext4 *ext4, struct error *error);

/* NULL is fine. */
void ext4_space_free(struct ext4_space *space);

/* Whether a block is free in the committed filesystem. A bitmap that can't be read has
 * none: then nothing is written in place. */
bool ext4_space_is_committed_free(struct ext4_space *space, uint64_t block);

/* Whether a block of the filesystem is free in the one that is being made. */
int ext4_space_is_free(struct ext4_space *space, uint64_t block, bool *ret_is_free,
                       struct error *error);

/* How many bytes of the disk from offset on, of size, are alike in whether the committed
 * filesystem uses them. */
uint64_t ext4_space_alike(struct ext4_space *space, uint64_t offset, uint64_t size, bool *ret_used);

/* The group's bitmap is to be written, at the place that its descriptor has now. */
int ext4_space_touch(struct ext4_space *space, uint32_t group, struct error *error);

/* Takes or gives back a run of blocks, in whole clusters; ERROR_CORRUPT where one is not what it
 * is to cease to be. */
int ext4_space_take(struct ext4_space *space, struct ext4_run run, struct error *error);
int ext4_space_give_back(struct ext4_space *space, struct ext4_run run, struct error *error);

/* Writes the bitmaps that changed, with checksums and counts in their descriptors (in memory) and
 * the superblock's counts (in memory). */
int ext4_space_write(struct ext4_space *space, struct error *error);

/* The descriptor of a group changed, in memory. */
void ext4_space_descriptor_changed(struct ext4_space *space, uint32_t group);

/* Writes descriptor blocks that changed since opening or the last call, and the superblock. */
int ext4_space_write_descriptors(struct ext4_space *space, struct error *error);

/* The disk's transaction is committed: what is free now is free in the committed filesystem. */
void ext4_space_committed(struct ext4_space *space);

/* Groups whose bitmaps changed since the last commit: each is in memory twice. */
uint32_t ext4_space_changed_groups(const struct ext4_space *space);

#endif
