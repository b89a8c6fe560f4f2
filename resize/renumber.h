/*
 * Giving inodes new numbers, so that the groups at the end have none in use.
 * All that mentions an inode follows: its own checksum and those of its tree and its
 * directory blocks, directory entries and "..", values of extended attributes that are inodes,
 * the orphan file, the superblock's fields.
 */
#ifndef RESIZE_RENUMBER_H
#define RESIZE_RENUMBER_H

#include <stddef.h>
#include <stdint.h>

#include "ext4/preflight.h"
#include "resize/zones.h"

struct resize_inode_move {
    uint32_t from, to; /* inode numbers */
};

/* Carries out the moves (sorted by from; each to is free in the filesystem, none is a from) within
 * the disk's open transaction: inodes, references, inode bitmaps and the groups' descriptors in
 * memory (counts, flags, itable_unused, checksums). The caller writes descriptors and
 * superblock. All is read and checked before the first write: ERROR_CORRUPT and ERROR_REFUSED
 * (the stable_inodes feature; an encryption policy bound to inode numbers; a signature that has
 * the number in it; a reserved inode or the journal) come then. The superblock's fields that
 * mention inodes change in memory. After a failure, ext4 can only be released. */
int resize_renumber(struct ext4 *ext4, const struct resize_inode_move *moves, size_t count,
                    struct error *error);

/* The reading half of resize_renumber alone, for the plan: all checks, nothing written. The blocks
 * that the writing half would write are added to written, which the caller sorts; NULL: nobody
 * wants to know. */
int resize_renumber_check(struct ext4 *ext4, const struct resize_inode_move *moves, size_t count,
                          struct resize_zones *written, struct error *error);

#endif
