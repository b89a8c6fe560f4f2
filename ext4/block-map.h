/*
 * Which blocks an inode maps, and the blocks of the tree that says so: extent
 * trees and indirect blocks, read with every check that e2fsck makes, changed in
 * memory, and written packed, as shallow as the mappings allow.
 *
 * Sources: kernel Documentation/filesystems/ext4/{ifork,blockmap}.rst,
 * fs/ext4/{extents.c,ext4_extents.h,indirect.c}.
 */
#ifndef EXT4_BLOCK_MAP_H
#define EXT4_BLOCK_MAP_H

#include <ext2fs/ext2fs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ext4/preflight.h"

/* A stretch of a file that lies in a row. */
struct ext4_mapping {
    uint64_t logical; /* blocks */
    uint64_t start;   /* blocks of the filesystem */
    uint64_t count;   /* blocks, any number: writing splits at what an extent can hold */
    bool unwritten;   /* reads as zeros (extents only) */
};

/* Zero-initialise; ext4_block_map_free frees what it holds. One map can be read into many times. */
struct ext4_block_map {
    struct ext4_mapping *mappings; /* in logical order, none empty, none overlapping, neighbours
                                      that continue each other merged */
    size_t count, capacity;
    uint64_t *nodes; /* the blocks of the tree itself, the root in the inode not among them; an
                        indirect tree's in the order in which its pointers are met */
    size_t node_count, node_capacity;
    bool has_extents; /* else indirect blocks */
};

/* Whether i_block maps blocks: not for fast symbolic links, devices, inline data. */
bool ext4_inode_maps_blocks(ext2_filsys fs, const struct ext2_inode_large *inode);

/* Reads the map of an inode in use whose i_block maps blocks. Checks structure, order, range,
 * depth and checksums of the tree, and that the inode's i_blocks is what it comes to (with its
 * xattr block, in whole clusters; with ea_inode, at least that, since values in other inodes count
 * too). No tree of loops takes long. ERROR_CORRUPT names the inode and the remedy. The map may be
 * used again after a failure. The list of bad blocks (inode 1) has a map though it has no mode,
 * and its i_blocks says nothing. */
int ext4_block_map_read(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                        struct ext4_block_map *map, struct error *error);

/* Reads an inode for its map alone: an empty one where its i_block maps no blocks, and of the
 * resize inode. Errors as ext4_block_map_read. */
int ext4_block_map_of(struct ext4 *ext4, uint32_t number, struct ext4_block_map *map,
                      struct error *error);

/* How many node blocks writing the map takes. */
size_t ext4_block_map_nodes_needed(const struct ext4 *ext4, const struct ext4_block_map *map);

/* Appends a mapping, merging it with the last one where it continues it. */
int ext4_block_map_append(struct ext4_block_map *map, struct ext4_mapping mapping,
                          struct error *error);

/* Appends a block to nodes. */
int ext4_block_map_add_node(struct ext4_block_map *map, uint64_t block, struct error *error);

/* Writes the tree into the first blocks of map->nodes, as many as are needed, through the
 * filesystem's io, and puts its root into inode->i_block (in memory; i_blocks stays the caller's).
 * number and the inode's generation go into the checksums. map->node_count must be at least what
 * is needed, and becomes just that. ERROR_UNSUPPORTED where the tree can't say it: indirect blocks
 * know neither unwritten blocks nor block numbers of more than 32 bits. */
int ext4_block_map_write(struct ext4 *ext4, uint32_t number, struct ext2_inode_large *inode,
                         struct ext4_block_map *map, struct error *error);

void ext4_block_map_free(struct ext4_block_map *map); /* zeros are fine */

#endif
