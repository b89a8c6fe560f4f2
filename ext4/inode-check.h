/*
 * What the checks of inodes and their trees have in common.
 */
#ifndef EXT4_INODE_CHECK_H
#define EXT4_INODE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "ext4/block-map.h"

/* ERROR_CORRUPT: "inode 12: " and the sentence, with e2fsck as the remedy. Always returns -1. */
int inode_is_damaged(struct error *error, uint32_t number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads one block that the inode's tree or xattrs point to. */
int inode_read_block(struct ext4 *ext4, uint32_t number, uint64_t block, uint8_t *bytes,
                     struct error *error);

/* Whether i_blocks is what the map, the xattr block and charged clusters more come to; or, when
 * not is_exact, at least that. */
int inode_check_block_count(const struct ext4 *ext4, uint32_t number,
                            const struct ext2_inode_large *inode, const struct ext4_block_map *map,
                            uint64_t charged, bool is_exact, struct error *error);

/* Whether all of the run lies in the filesystem, behind its superblock. */
static inline bool inode_run_is_inside(const struct ext4 *ext4, uint64_t start, uint64_t count)
{
    return start > ext4->geometry.first_block && start < ext4->geometry.blocks &&
           count <= ext4->geometry.blocks - start;
}

#endif
