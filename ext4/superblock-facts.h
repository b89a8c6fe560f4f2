/*
 * The facts that the superblock of an ext2, ext3 or ext4 filesystem holds.
 */
#ifndef EXT4_SUPERBLOCK_FACTS_H
#define EXT4_SUPERBLOCK_FACTS_H

#include "ext4/facts.h"

/* Fills in all but type, label and uuid, and sets is_ext, where the superblock reads well; else
 * the state alone, which is "errors". */
void superblock_facts_read(struct disk *disk, struct filesystem_facts *facts);

#endif
