/*
 * The journal: opened and checked, and where the filesystem wasn't unmounted
 * scanned for what is committed, and replayed. It rests on the filesystem's superblock,
 * the descriptor of one group and one inode: these don't change while a journal is in use,
 * so it doesn't matter that the blocks they lie in may be in the log, too.
 *
 * The order: ext4_journal_open, ext4_journal_scan and ext4_journal_check read; ext4_journal_replay
 * writes what they have checked.
 */
#ifndef EXT4_JOURNAL_H
#define EXT4_JOURNAL_H

#include <ext2fs/ext2_fs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ext4/geometry.h"

struct disk;

/* A stretch of the journal's blocks that lie in a row. */
struct journal_run {
    uint64_t logical;    /* blocks of the journal */
    struct ext4_run run; /* of the filesystem */
};

/* A block that isn't to be replayed from transactions up to sequence. */
struct journal_revoke {
    uint64_t block;
    uint32_t sequence;
};

struct journal {
    struct disk *disk;
    uint32_t block_size;
    uint64_t blocks;      /* of the filesystem, as the superblock in its place says */
    uint64_t disk_blocks; /* whole blocks of the disk */
    struct journal_run *runs;
    size_t run_count, run_capacity;
    struct journal_run *by_place;   /* the same, in the order of the filesystem's blocks */
    uint8_t *super;                 /* JOURNAL_SUPER_SIZE bytes */
    uint32_t first, last;           /* the log is blocks [first, last) of the journal */
    uint32_t start, start_sequence; /* start 0: the log is empty */
    uint32_t fast_blocks;           /* behind the log */
    bool has_checksums, has_v3, has_64bit, has_async_commit, has_old_checksum;
    uint32_t seed;         /* of the checksums */
    uint32_t super_block;  /* of the filesystem: the one that its superblock lies in */
    uint32_t super_offset; /* bytes, in that block */

    uint32_t
        end_sequence; /* set by ext4_journal_scan: of the first transaction that isn't committed */
    struct journal_revoke *revokes; /* set by ext4_journal_scan: sorted, each block once */
    size_t revoke_count, revoke_capacity;
};

/* Whether sequence a comes after b: they wrap around. */
static inline bool journal_is_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

/* Finds the journal's inode, its map and its superblock, and checks them. ERROR_CORRUPT;
 * ERROR_UNSUPPORTED for features that are unknown; ERROR_REFUSED for one that the kernel has
 * given up. The caller frees, also after a failure. */
int ext4_journal_open(struct disk *disk, const struct ext4_geometry *geometry,
                      const struct ext2_super_block *super, struct journal *journal,
                      struct error *error);

void ext4_journal_free(struct journal *journal); /* zeros are fine */

/* The journal's block, which is one of the journal's. */
int ext4_journal_read(struct journal *journal, uint32_t block, uint8_t *bytes, struct error *error);

/* Finds the end of what is committed, and all that is revoked. ERROR_CORRUPT for a log that
 * a power cut can't have left; ERROR_REFUSED where fast commits follow. */
int ext4_journal_scan(struct journal *journal, struct error *error);

/* Visits the blocks to replay, in the order of the log: where one goes, and its bytes, unescaped.
 * *ret_revoked: how many were left out for a revoke record; may be NULL. */
typedef int journal_visit(uint64_t block, const uint8_t *bytes, void *context, struct error *error);
int ext4_journal_for_each(struct journal *journal, journal_visit *visit, void *context,
                          uint32_t *ret_revoked, struct error *error);

/* Goes through all that is to be replayed: checksums and places. Nothing is written. */
int ext4_journal_check(struct journal *journal, struct error *error);

/* Writes all blocks to their places, and the journal's superblock for an empty log. */
int ext4_journal_replay(struct journal *journal, uint32_t *ret_blocks, uint32_t *ret_revoked,
                        struct error *error);

/* "the journal has WHAT value", and the remedy. Always returns -1. */
int ext4_journal_bad(struct error *error, const char *what, uint64_t value);

#endif
