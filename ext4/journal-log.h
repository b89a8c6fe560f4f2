/*
 * Going through the log, block by block.
 */
#ifndef EXT4_JOURNAL_LOG_H
#define EXT4_JOURNAL_LOG_H

#include "ext4/journal.h"

struct journal_walk {
    struct journal *journal;
    uint8_t *block;    /* the block that was read last; ext4_journal_walk_begin allocates it */
    uint32_t position; /* of the next one */
    uint32_t sequence; /* of the transaction that it should belong to */
    uint64_t walked;   /* blocks; a log can't be longer than its ring */
};

int ext4_journal_walk_begin(struct journal *journal, struct journal_walk *walk,
                            struct error *error);
void ext4_journal_walk_end(struct journal_walk *walk); /* zeros are fine */

/* Reads the next block, whatever it is. */
int ext4_journal_walk_read(struct journal_walk *walk, struct error *error);

/* Passes over blocks. */
int ext4_journal_walk_skip(struct journal_walk *walk, uint32_t count, struct error *error);

/* The type of the block that was read; 0 when it is none of the transaction. */
uint32_t ext4_journal_walk_type(const struct journal_walk *walk);

/* Whether the checksum at the end of a descriptor or revoke block matches. */
bool ext4_journal_tail_matches(const struct journal *journal, uint8_t *block);

struct journal_tag {
    uint64_t block; /* of the filesystem */
    uint32_t flags, checksum;
};

/* The next tag of a descriptor; *offset is 0 before the first. False: there are no more. */
bool ext4_journal_next_tag(const struct journal *journal, const uint8_t *descriptor, size_t *offset,
                           struct journal_tag *ret_tag);

/* How many blocks of the log a descriptor describes. */
uint32_t ext4_journal_count_tags(const struct journal *journal, const uint8_t *descriptor);

/* Up to where a revoke block has records, in bytes. ERROR_CORRUPT for more than it can have. */
int ext4_journal_revokes_end(const struct journal *journal, const uint8_t *block, uint32_t *ret_end,
                             struct error *error);

/* Adds the records of a revoke block; makes them ready to be looked up. */
int ext4_journal_add_revokes(struct journal *journal, const uint8_t *block, uint32_t sequence,
                             struct error *error);
void ext4_journal_sort_revokes(struct journal *journal);

/* Whether the block, as the transaction logged it, is not to be replayed. */
bool ext4_journal_is_revoked(const struct journal *journal, uint64_t block, uint32_t sequence);

#endif
