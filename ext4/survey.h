/*
 * A walk over all inodes in use, with everything checked that e2fsck would have
 * to mend before blocks or inodes can be moved: checksums, trees, and that
 * the blocks which inodes and metadata claim are just those which the block bitmaps
 * have as used, each claimed once.
 *
 * That last check needs no bitmap of the whole filesystem: for each group, the number of the
 * claimed clusters and a sum of random weights of their positions are compared with those of the
 * bitmap (claims.h).
 */
#ifndef EXT4_SURVEY_H
#define EXT4_SURVEY_H

#include "ext4/block-map.h"

struct ext4_inode_view {
    uint32_t number;
    const struct ext2_inode_large *inode; /* inode_size bytes */
    const struct ext4_block_map *map;     /* empty where i_block maps none, and of the resize inode,
                                             whose blocks are heads of groups but for the
                                             double-indirect one */
    uint64_t xattr_block;                 /* 0: none; may be shared with other inodes */
};

/* What is in the view is valid until it returns. Anything but 0 ends the walk. */
typedef int ext4_survey_visit(const struct ext4_inode_view *view, void *context,
                              struct error *error);

/* Visits all inodes in use in the order of their numbers, reserved ones that have blocks among
 * them. Reads inode tables, trees and xattr blocks' headers, no contents of files. ERROR_CORRUPT
 * names the inode or group and the remedy; then inodes may have been visited. */
int ext4_survey(struct ext4 *ext4, ext4_survey_visit *visit, void *context, struct error *error);

#endif
