/*
 * Indirect blocks on disk. i_block holds twelve pointers to data, then one to a
 * block of pointers to data, one to a block of pointers to such blocks, and one
 * that is three steps away. Pointers have 32 bits; 0 maps nothing.
 */
#ifndef EXT4_INDIRECT_BLOCKS_H
#define EXT4_INDIRECT_BLOCKS_H

#include "ext4/block-map.h"

#define INDIRECT_LEVELS 3

/* As ext4_block_map_read, but for the inode's i_blocks. The map is empty. */
int indirect_blocks_read(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                         struct ext4_block_map *map, struct error *error);

size_t indirect_blocks_nodes_needed(const struct ext4 *ext4, const struct ext4_block_map *map);

/* As ext4_block_map_write; nodes are written parents first, which is the order of reading. */
int indirect_blocks_write(struct ext4 *ext4, struct ext2_inode_large *inode,
                          const struct ext4_block_map *map, struct error *error);

#endif
