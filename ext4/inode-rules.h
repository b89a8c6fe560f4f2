/*
 * What an inode's fields must be for e2fsck to find nothing in them: rows of a
 * table each, by the inode's place: an ordinary one, a free one, an orphan, or one of the
 * reserved numbers.
 */
#ifndef EXT4_INODE_RULES_H
#define EXT4_INODE_RULES_H

#include "ext4/block-map.h"

/* Whether the number is one of the reserved ones that have no links (the root isn't). */
bool inode_is_reserved(const struct ext2_super_block *super, uint32_t number);

/* Whether the inode's i_block, which maps blocks as its mode has it or as its number demands, is
 * to be read as a map. */
bool inode_has_map(ext2_filsys fs, uint32_t number, const struct ext2_inode_large *inode);

/* All fields of an inode in use that need no map. */
int inode_check_fields(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                       struct error *error);

/* The fields of an inode that the bitmap has as free. */
int inode_check_free(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                     struct error *error);

/* The fields that tell what an inode on the orphan list holds on to. */
int inode_check_orphan(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                       struct error *error);

/* The size of an inode with a map, against the map; directories have no holes. */
int inode_check_size(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                     const struct ext4_block_map *map, struct error *error);

#endif
