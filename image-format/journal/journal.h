/*
 * Transactions for a file whose format has none: a raw image, a fixed VHD. What
 * changes is staged in the file's side file (file.h), made valid by one mark in
 * it, then applied to the file.
 *
 *   J1. Until the mark is durable, no byte of the file below its old size is
 *       written, but by journal_write_through and journal_zero_through, whose
 *       caller vouches that those bytes mean nothing to anybody. Beyond its old
 *       size the file may grow: after a power cut it may be longer, with anything
 *       there, and is never made shorter for that.
 *   J2. What was written through, and the file's growth, is durable before the
 *       mark is written; so is everything else in the side file.
 *   J3. The mark is one sector of 512 bytes, the first of the side file, and the
 *       last of it to be written. It is the instant of the commit: from then on,
 *       opening gives the new state, whatever the file looks like.
 *   J4. A marked journal is applied only to the file that it was made for, which
 *       content proves: each sector of a staged page is now either the old one,
 *       whose checksum the journal holds, or the new one; what was written
 *       through is there still; and the size is the old one or the new one. One
 *       that doesn't fit is refused, and nothing is written.
 *   J5. The side file is removed when what it says is durable in the file, and
 *       not before.
 *
 * The order of a commit: the file gets its new size if it is larger; flush it;
 * the index behind the pages; flush the side file; mark; flush the side file;
 * pages, and the new size if it is smaller; flush the file; remove the side file.
 */
#ifndef IMAGE_FORMAT_JOURNAL_JOURNAL_H
#define IMAGE_FORMAT_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct file;
struct journal;

enum journal_state {
    JOURNAL_NONE,
    JOURNAL_UNMARKED, /* a transaction ended before its commit: it is ignored, and later removed */
    JOURNAL_PENDING,  /* a commit has yet to be applied: reads see it as if it were */
};

enum journal_outcome {
    JOURNAL_NOT_COMMITTED,
    JOURNAL_UNCERTAIN, /* the mark is there or isn't */
    JOURNAL_COMMITTED,
};

/* Looks for a journal beside file, which stays the caller's and outlives it. Writes nothing. A
 * marked journal that doesn't fit the file, or is damaged, is ERROR_REFUSED. */
int journal_open(struct file *file, struct journal **ret_journal, struct error *error);

/* What opening found; JOURNAL_NONE from the first journal_begin on. */
enum journal_state journal_state(const struct journal *journal);

/* The file's size, as it reads; within a transaction the new one. */
uint64_t journal_size(const struct journal *journal);

/* Written to the file and the side file so far, in bytes. */
uint64_t journal_bytes_written(const struct journal *journal);

/* All ranges lie within journal_size. */
int journal_read(struct journal *journal, uint64_t offset, void *buffer, size_t size,
                 struct error *error);

/* How far the file is all zeros, or all data, from offset on; bytes, at least 1. */
int journal_extent(struct journal *journal, uint64_t offset, bool *ret_zero, uint64_t *ret_size,
                   struct error *error);

/* Applies a pending commit, removes an unmarked one, and starts. After a failure the file holds
 * what opening it gives. */
int journal_begin(struct journal *journal, struct error *error);

int journal_write(struct journal *journal, uint64_t offset, const void *buffer, size_t size,
                  struct error *error);
int journal_zero(struct journal *journal, uint64_t offset, uint64_t size, struct error *error);

/* The same for bytes below the old size that mean nothing to anybody (J1). */
int journal_write_through(struct journal *journal, uint64_t offset, const void *buffer, size_t size,
                          struct error *error);
int journal_zero_through(struct journal *journal, uint64_t offset, uint64_t size,
                         struct error *error);

/* With the commit. What is added reads as zeros. */
int journal_set_size(struct journal *journal, uint64_t size, struct error *error);

/* After a failure *ret_outcome says what holds: not committed, the caller aborts; else the file
 * must be opened again. */
int journal_commit(struct journal *journal, enum journal_outcome *ret_outcome, struct error *error);

/* The file as it was before journal_begin. -1: but longer. */
int journal_abort(struct journal *journal);

/* What a side file takes up at most in which pages are staged, and ranges written through. */
uint64_t journal_cost(uint64_t pages, uint64_t ranges);

#define JOURNAL_PAGE_SIZE 4096

/* Frees it; NULL is fine. A side file that is marked stays. */
void journal_close(struct journal *journal);

#endif
