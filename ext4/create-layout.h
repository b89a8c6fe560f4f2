/*
 * The rules by which mkfs.ext4 chooses block size, inode count and features
 * from nothing but a size: those of e2fsprogs 1.47.0 with Debian 12's
 * /etc/mke2fs.conf, and flex groups of 4096 groups as WSL asks for.
 */
#ifndef EXT4_CREATE_LAYOUT_H
#define EXT4_CREATE_LAYOUT_H

#include <ext2fs/ext2fs.h>
#include <stdint.h>

#include "base/error.h"

/* The parameters for ext2fs_initialize of a disk of size bytes. ERROR_REFUSED when the size is
 * none that ext4 can have. */
int ext4_layout_plan(uint64_t size, struct ext2_super_block *ret_parameters, struct error *error);

#endif
