/*
 * Inodes as bytes: slots of the inode tables, each inode_size bytes, and the inode
 * bitmaps of single groups. Nothing of it goes through libext2fs's cache of inodes: whoever
 * writes here and uses that too calls ext2fs_flush_icache in between.
 *
 * Source: kernel Documentation/filesystems/ext4/{inodes,bitmaps,group_descr}.rst.
 */
#ifndef EXT4_INODE_TABLE_H
#define EXT4_INODE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "ext4/preflight.h"

/* Room for any inode that can be read: EXT2_INODE_SIZE is at most a block. */
#define EXT4_INODE_BYTES(ext4) (EXT2_INODE_SIZE((ext4)->fs->super) + 256u)

uint32_t ext4_inode_group(const struct ext4 *ext4, uint32_t number);
uint32_t ext4_inode_index(const struct ext4 *ext4, uint32_t number); /* within its group */

/* Where the slot lies, in bytes of the disk. */
uint64_t ext4_inode_offset(const struct ext4 *ext4, uint32_t number);

/* How many slots of a group's table hold something: those behind them were never used, and may
 * hold anything where the group isn't marked as zeroed. */
uint32_t ext4_inodes_initialised(const struct ext4 *ext4, uint32_t group);

/* Reads the slots of count inodes from number on; all in one group. */
int ext4_inodes_read(struct ext4 *ext4, uint32_t number, uint32_t count, uint8_t *bytes,
                     struct error *error);

/* ERROR_CORRUPT when the checksum isn't that of this inode; bytes: its slot, with room for a
 * struct ext2_inode_large. */
int ext4_inode_check(struct ext4 *ext4, uint32_t number, uint8_t *bytes, struct error *error);

/* Sets the checksum, and writes the slot. */
int ext4_inode_write(struct ext4 *ext4, uint32_t number, uint8_t *bytes, struct error *error);

/* The slots read as zeros from now on; only those are written that don't yet. */
int ext4_inodes_zero(struct ext4 *ext4, uint32_t number, uint32_t count, struct error *error);

/* Reads the inode bitmap of a group, or makes that of an uninitialised one; block_size bytes.
 * ERROR_CORRUPT where its checksum is wrong. */
int ext4_inode_bitmap_read(struct ext4 *ext4, uint32_t group, uint8_t *bitmap, struct error *error);

/* Writes the inode bitmap of a group that is initialised from now on; its checksum, the count of
 * free inodes, and that of unused ones, which only ever falls, go into the descriptor (in memory).
 * Slots that are no longer unused then have to be zeroed before. */
int ext4_inode_bitmap_write(struct ext4 *ext4, uint32_t group, uint8_t *bitmap,
                            struct error *error);

static inline bool ext4_bit(const uint8_t *bitmap, uint32_t bit)
{
    return bitmap[bit / 8] >> bit % 8 & 1;
}

#endif
