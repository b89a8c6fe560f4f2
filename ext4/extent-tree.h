/*
 * Extent trees on disk. The root lies in the inode's i_block, all other nodes
 * are blocks. A node is a header and entries of 12 bytes each: extents at depth
 * 0, else pointers to nodes that are one less deep. With metadata_csum, a
 * checksum follows the last entry that there is room for.
 *
 *   header  magic 2, entries 2, max 2, depth 2, generation 4
 *   extent  logical 4, length 2 (above 32768: unwritten, and 32768 less), start high 2, low 4
 *   index   logical 4, node low 4, high 2, unused 2
 */
#ifndef EXT4_EXTENT_TREE_H
#define EXT4_EXTENT_TREE_H

#include "ext4/block-map.h"

#define EXTENT_MAGIC 0xf30a
#define EXTENT_ENTRY_SIZE 12 /* of the header, too */
#define EXTENT_ROOT_SIZE 60  /* bytes */
#define EXTENT_MAX_DEPTH 5   /* enough for 2^32 blocks, whatever the block size */
#define EXTENT_MAX_LENGTH 32768
#define EXTENT_MAX_UNWRITTEN_LENGTH 32767
#define EXTENT_MAX_LOGICAL (UINT64_C(1) << 32)
#define EXTENT_MAX_START (UINT64_C(1) << 48)

struct extent_header {
    uint32_t entries, max, depth;
};

static inline uint32_t extent_node_capacity(uint32_t node_size)
{
    return (node_size - EXTENT_ENTRY_SIZE) / EXTENT_ENTRY_SIZE;
}

/* What belongs behind the last possible entry of a node of capacity entries. */
uint32_t extent_node_checksum(ext2_filsys fs, uint32_t number, uint32_t generation,
                              const uint8_t *node, uint32_t capacity);

/* As ext4_block_map_read, but for the inode's i_blocks. The map is empty. */
int extent_tree_read(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                     struct ext4_block_map *map, struct error *error);

size_t extent_tree_nodes_needed(const struct ext4 *ext4, const struct ext4_block_map *map);

/* As ext4_block_map_write; nodes are written parents first. */
int extent_tree_write(struct ext4 *ext4, uint32_t number, struct ext2_inode_large *inode,
                      const struct ext4_block_map *map, struct error *error);

#endif
