/*
 * Extended attributes where they lie: behind the fields of a large inode, and in
 * a block of their own that inodes with the same attributes share. Read and checked as the
 * kernel does; changed in place by whoever holds the bytes.
 *
 * Source: kernel Documentation/filesystems/ext4/attributes.rst, fs/ext4/xattr.{c,h}.
 */
#ifndef EXT4_XATTRS_H
#define EXT4_XATTRS_H

#include <ext2fs/ext2fs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ext4/preflight.h"

/* e_name_index: what stands for the first part of a name. */
enum ext4_xattr_index {
    EXT4_XATTR_SECURITY = 6,
    EXT4_XATTR_SYSTEM = 7,
    EXT4_XATTR_ENCRYPTION = 9,
};

struct ext4_xattr {
    uint8_t *entry;       /* on-disk bytes */
    const char *name;     /* without its first part, and without a NUL */
    uint8_t index;        /* enum ext4_xattr_index, or another */
    uint8_t name_size;    /* bytes */
    uint32_t value_inode; /* of a value that is an inode of its own (ea_inode); else 0 */
    uint32_t value_size;  /* bytes */
    uint32_t hash;
    uint8_t *value; /* value_size bytes; NULL where it is an inode, or empty */
};

struct ext4_xattr_list {
    uint8_t *next;   /* the next entry */
    uint8_t *values; /* what e_value_offs counts from */
    uint8_t *end;
};

/* The attributes within the inode, whose slot bytes is; an empty list where there are none. Checks
 * all of them. ERROR_CORRUPT names the inode and what is wrong. */
int ext4_xattrs_in_inode(struct ext4 *ext4, uint32_t number, uint8_t *bytes,
                         struct ext4_xattr_list *ret_list, struct error *error);

/* The block that i_file_acl names, 0: none. ERROR_CORRUPT outside of the filesystem. */
int ext4_xattr_block_place(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                           uint64_t *ret_place, struct error *error);

/* Reads that block (block_size bytes), checks it and all attributes in it. number: for messages. */
int ext4_xattr_block_read(struct ext4 *ext4, uint32_t number, uint64_t place, uint8_t *block,
                          struct ext4_xattr_list *ret_list, struct error *error);

/* Puts the block's checksum, where it has one. */
void ext4_xattr_block_seal(struct ext4 *ext4, uint64_t place, uint8_t *block);

/* Takes the next attribute of a list that was checked; false behind the last. */
bool ext4_xattr_next(struct ext4_xattr_list *list, struct ext4_xattr *ret_xattr);

bool ext4_xattr_is(const struct ext4_xattr *xattr, enum ext4_xattr_index index, const char *name);

/* The value is in another inode from now on. */
void ext4_xattr_set_value_inode(struct ext4_xattr *xattr, uint32_t number);

#endif
