/*
 * The bytes of a side file. All numbers are little-endian.
 *
 *   0      the header, 512 bytes; zeros up to the commit, and behind it to 4096
 *   4096   the staged pages, 4096 bytes each, in the order in which they came:
 *          slots
 *   behind them the index: an entry for each staged page, ascending by place; one
 *          for each run that was written through; one for each that was zeroed
 *
 * The header's last 16 bytes are the mark. Where they are zeros, nothing was
 * committed: neither a write of the header that stopped halfway nor a flipped
 * bit makes a marked header look like that.
 */
#ifndef IMAGE_FORMAT_JOURNAL_FORMAT_H
#define IMAGE_FORMAT_JOURNAL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "image-format/journal/journal.h"

#define JOURNAL_HEADER_SIZE 512
#define JOURNAL_SECTOR_SIZE 512
#define JOURNAL_PAGE_SECTORS (JOURNAL_PAGE_SIZE / JOURNAL_SECTOR_SIZE)
#define JOURNAL_SLOTS_PLACE JOURNAL_PAGE_SIZE /* where slot 0 lies */
#define JOURNAL_PAGE_ENTRY_SIZE 48
#define JOURNAL_RUN_ENTRY_SIZE 24
#define JOURNAL_ZERO_SLOT UINT32_MAX /* the page is all zeros */

struct journal_header {
    uint64_t old_size;       /* of the file when the commit was marked, bytes */
    uint64_t new_size;       /* that it gets, bytes; not more than old_size */
    uint64_t page_count;     /* entries of the index */
    uint64_t run_count;      /* likewise, behind them */
    uint64_t index_place;    /* bytes: where the slots end */
    uint32_t index_checksum; /* crc32c */
};

struct journal_page_entry {
    uint64_t page;                                /* its place in the file, in pages */
    uint32_t slot;                                /* or JOURNAL_ZERO_SLOT */
    uint32_t new_checksum;                        /* crc32c; all of them up to new_size */
    uint32_t old_checksums[JOURNAL_PAGE_SECTORS]; /* of each sector */
};

struct journal_run_entry {
    uint64_t offset, size; /* bytes */
    bool zero;             /* it is all zeros */
    uint32_t checksum;     /* crc32c, when it isn't; else 0 */
};

enum journal_header_state { JOURNAL_HEADER_UNMARKED, JOURNAL_HEADER_MARKED };

void journal_header_encode(const struct journal_header *header, uint8_t bytes[JOURNAL_HEADER_SIZE]);

/* Sets *ret_header when it is marked. One that is damaged is an error: ERROR_REFUSED, or
 * ERROR_UNSUPPORTED when a later version made it. side_size: of the side file, in bytes. */
int journal_header_decode(const uint8_t bytes[JOURNAL_HEADER_SIZE], uint64_t side_size,
                          enum journal_header_state *ret_state, struct journal_header *ret_header,
                          struct error *error);

void journal_page_entry_encode(const struct journal_page_entry *entry, uint8_t *bytes);
void journal_page_entry_decode(const uint8_t *bytes, struct journal_page_entry *ret_entry);

/* False when the bytes are no run entry. */
void journal_run_entry_encode(const struct journal_run_entry *entry, uint8_t *bytes);
bool journal_run_entry_decode(const uint8_t *bytes, struct journal_run_entry *ret_entry);

/* The index's length in bytes; the counts are bounded already. */
uint64_t journal_index_size(const struct journal_header *header);

#endif
