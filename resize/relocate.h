/*
 * Carrying out a relocation, within the disk's open transaction: contents are
 * copied, trees rewritten, bitmaps changed. What is free in the committed filesystem is written
 * in place (ext4/io.h).
 */
#ifndef RESIZE_RELOCATE_H
#define RESIZE_RELOCATE_H

#include "ext4/space.h"
#include "resize/plan.h"

struct resize_relocating {
    struct ext4 *ext4;
    struct ext4_space *space;
    const struct resize_plan *plan;
    struct ext2_inode_large *inode; /* work space: inode_size bytes, or a whole struct */
    struct ext4_block_map map, moved;
    uint8_t *buffer; /* RESIZE_COPY_SIZE bytes */
    uint64_t copied; /* bytes so far */
    uint64_t end;    /* blocks; those from here on go with the change, and nobody counts them: the
                        bitmaps of groups that go may lie where late blocks go */
};

#define RESIZE_COPY_SIZE (UINT32_C(1) << 20)

/* Zeros before; resize_relocating_free frees what it holds, zeros are fine. */
int resize_relocating_new(struct ext4 *ext4, struct ext4_space *space,
                          const struct resize_plan *plan, struct resize_relocating *ret_relocating,
                          struct error *error);
void resize_relocating_free(struct resize_relocating *relocating);

/* Moves the blocks of one of the relocation's inodes, and writes its tree anew. */
int resize_relocate_inode(struct resize_relocating *relocating,
                          const struct resize_moved_inode *entry, struct error *error);

/* Moves blocks of extended attributes, all inodes that share one in one go, and single blocks
 * of the filesystem's own, to early or to late places. */
int resize_relocate_xattrs(struct resize_relocating *relocating, bool late, struct error *error);
int resize_relocate_special(struct resize_relocating *relocating, bool late, struct error *error);

/* Copies count blocks; holes stay holes. */
int resize_copy_blocks(struct resize_relocating *relocating, uint64_t from, uint64_t to,
                       uint64_t count, struct error *error);

/* Copies what moves of the file whose map is read. */
int resize_copy_contents(struct resize_relocating *relocating, uint32_t number,
                         struct error *error);

/* A run of blocks that were moved away becomes free, as far as it lies below the end. */
int resize_give_back(struct resize_relocating *relocating, struct ext4_run run,
                     struct error *error);

/* An inode's number after renumbering. */
uint32_t resize_number_of(const struct resize_plan *plan, uint32_t number);

/* Moves tables to other places. In the old geometry: groups that go have no inode in use, so
 * their tables needn't be copied. The space is changed where in_space is set. */
int resize_relocate_tables(struct resize_relocating *relocating,
                           const struct resize_table_moves *moves, bool in_space,
                           struct error *error);

#endif
