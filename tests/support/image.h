/*
 * A small VHDX in memory with a real ext4 on it, for tests that change images.
 */
#ifndef TESTS_SUPPORT_IMAGE_H
#define TESTS_SUPPORT_IMAGE_H

#include <stdint.h>

#include "tests/support/digest.h"

struct disk;
struct file;
struct judge;

/* A dynamic VHDX with blocks of 1 MiB and a disk of disk_size bytes, whose first fs_size bytes
 * are make_filesystem(mkfs_options, fs_size, 1). A memory file. Ends the test on failure. */
struct file *image_with_ext4(const char *mkfs_options, uint64_t fs_size, uint64_t disk_size);

/* Likewise with what is in the raw image at path. */
struct file *image_of(const char *path, uint64_t disk_size);

/* The same filesystem as a raw image, of disk_size bytes. */
struct file *raw_image_with_ext4(const char *mkfs_options, uint64_t fs_size, uint64_t disk_size);

/* A VHDX likewise, whose disk begins with what filesystem, a raw image that it closes, holds. */
struct file *image_of_filesystem(struct file *filesystem, uint64_t disk_size);

/* What a good image is known by. */
struct image_state {
    uint64_t disk_size, fs_size; /* bytes */
    struct digest contents, tree;
};

/* Opens a snapshot of the image and looks at it; e2fsck must find nothing. Returns NULL, or what
 * is wrong, valid until the next call. Takes no ownership. */
const char *image_examine(struct judge *judge, const struct file *image,
                          struct image_state *ret_state);

#endif
