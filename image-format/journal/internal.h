/*
 * What the units of this folder share.
 *
 * A page of the file that is staged is a slot of the side file, or all zeros.
 * From then on its slot takes every change within it, also what is written
 * through. New slots gather in memory, and go to the side file many at a time;
 * the side file is made for the first of them.
 */
#ifndef IMAGE_FORMAT_JOURNAL_INTERNAL_H
#define IMAGE_FORMAT_JOURNAL_INTERNAL_H

#include <stdbool.h>

#include "base/checked.h"
#include "image-format/file.h"
#include "image-format/journal/format.h"
#include "image-format/journal/journal.h"
#include "image-format/journal/page-map.h"
#include "image-format/journal/ranges.h"

#define JOURNAL_BATCH_PAGES 256 /* pages read or written in one go */

struct journal {
    struct file *file; /* the caller's */
    struct file *side; /* NULL: not made yet, or none */
    enum journal_state state;
    uint64_t size;      /* as it reads, bytes */
    uint64_t old_size;  /* at begin */
    uint64_t file_size; /* the file's now; what it lacks of size is zeros */
    bool was_cut;       /* the size was lowered in this transaction: old bytes lie behind it */
    struct page_map map;
    uint32_t slots;            /* in use */
    uint32_t written;          /* of them, in the side file; the others are in tail */
    uint8_t *tail;             /* JOURNAL_BATCH_PAGES slots */
    struct ranges data, zeros; /* what was written through */
    struct journal_header header;
    uint64_t bytes_written;
};

/* The part of a range that is within one staged page, or in none. */
struct journal_piece {
    struct staged_page *staged; /* NULL: in none */
    uint64_t offset, size;      /* bytes */
};

struct journal_piece journal_next_piece(const struct journal *journal, uint64_t offset,
                                        uint64_t size);

/* Reads the file as it is; what it lacks is zeros. */
int journal_read_file(struct journal *journal, uint64_t offset, void *buffer, size_t size,
                      struct error *error);

/* Writes to the file, or to the side file, and counts. */
int journal_write_file(struct journal *journal, uint64_t offset, const void *buffer, size_t size,
                       struct error *error);
int journal_write_side(struct journal *journal, uint64_t place, const void *buffer, size_t size,
                       struct error *error);

static inline uint64_t journal_slot_place(uint32_t slot)
{
    return JOURNAL_SLOTS_PLACE + (uint64_t)slot * JOURNAL_PAGE_SIZE;
}

/* Writes the slots in memory to the side file, which is made where there is none. */
int journal_drain(struct journal *journal, struct error *error);

/* How many of the pages from list[at] on follow one another in the file and in the side file. */
size_t journal_batch(const struct staged_page *list, size_t count, size_t at);

/* Of pages behind one another from page on, the bytes below size. */
static inline size_t journal_bytes_below(uint64_t page, size_t pages, uint64_t size)
{
    return (size_t)min_u64((uint64_t)pages * JOURNAL_PAGE_SIZE, size - page * JOURNAL_PAGE_SIZE);
}

/* Does what the journal says, after its mark: pages, size, flush. Frees what was staged. */
int journal_apply(struct journal *journal, struct error *error);

/* Forgets what is staged, and closes the side file. */
void journal_forget(struct journal *journal);

/* Writes the index behind the slots, and gives its length and checksum to the header. */
int journal_write_index(struct journal *journal, const struct staged_page *list, size_t count,
                        struct error *error);

#endif
