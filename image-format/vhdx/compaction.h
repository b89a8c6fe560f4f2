/*
 * Compaction: blocks whose contents nobody needs give their places back, then the
 * file is packed. The plan is made on a copy of the file's map (compaction-plan.c), from which
 * follows where the file will end; then it is carried out (compaction.c).
 *
 * The order: one commit (or some, where the log's place asks for it) in which blocks are given up
 * and a table that is longer than needed is cut short; a new place for a log that lies behind the
 * file's end to be, as a power cut leaves one that had to be longer (commit.c); the moves of
 * packing.h, in batches; one commit for a table that lies at the end and has a hole to go to.
 */
#ifndef IMAGE_FORMAT_VHDX_COMPACTION_H
#define IMAGE_FORMAT_VHDX_COMPACTION_H

#include "image-format/vhdx/packing.h"

/* Blocks of the disk, in a row, that are stored and needn't be. */
struct vhdx_given_up {
    uint64_t block, count;
    enum vhdx_block_state state; /* what they become */
};

struct vhdx_compaction {
    struct disk_compaction compaction; /* first */
    struct vhdx_given_up *given_up;
    size_t given_up_count, given_up_capacity;
    uint64_t bat_sectors; /* that giving them up changes */
    bool visible;         /* a reader of the disk could see it */
    uint32_t bat_length;  /* bytes: of the table's region where it is now */
    uint64_t bat_offset;  /* where it goes at the end */
    uint64_t log_offset;  /* where the log goes, to be of VHDX_UNIT bytes; or where it is */
    struct vhdx_packing packing;
    bool changes_tables; /* else there is nothing to do but cut off, if that */
};

#endif
