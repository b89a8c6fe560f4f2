/*
 * Makes an ext4 filesystem, as `mkfs.ext4 -G 4096` of e2fsprogs 1.47.0 with the
 * mke2fs.conf of Debian 12 makes it: the filesystem that WSL gives its
 * distributions. Built through libext2fs, in process.
 */
#ifndef EXT4_CREATE_H
#define EXT4_CREATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct disk;

struct ext4_create_options {
    const char *label;     /* NULL: none. At most 16 bytes */
    uint8_t uuid[16];      /* of the filesystem, RFC 4122 order */
    uint8_t hash_seed[16]; /* of hashed directories, RFC 4122 order */
    uint32_t time;         /* seconds since 1970: creation and last write */
    const char *from;      /* a directory of the host whose tree goes in; NULL: empty */
};

/* Fills the whole disk, which must read as zeros and have a transaction open, whose commit is
 * the caller's. Ranges that are to read as zeros (inode tables, the journal) are made so with
 * disk_zero and marked as zeroed. Errors: ERROR_REFUSED when the disk is too small for ext4 or
 * for the tree, the disk's own, those of reading the tree (ERROR_SYSTEM, naming the path). */
int ext4_create(struct disk *disk, const struct ext4_create_options *options, struct error *error);

#endif
