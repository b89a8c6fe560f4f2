/*
 * Finding a journal, and whether it fits its file (J4).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/crc32c.h"
#include "image-format/journal/internal.h"

#define BUFFER_SIZE (1 * MIB)

/* Entries of the index, read in order. */
struct index_reader {
    struct journal *journal;
    uint64_t place, end;
    size_t at, filled;
    uint32_t checksum; /* of what was read */
    uint8_t *buffer;   /* BUFFER_SIZE */
    uint8_t *bytes;    /* for content, likewise */
};

static void cleanup_reader(struct index_reader *reader)
{
    free(reader->buffer);
    free(reader->bytes);
}

/* The bytes of the next entry; NULL sets error. The index holds that many. */
static const uint8_t *read_entry(struct index_reader *reader, size_t size, struct error *error)
{
    size_t left = reader->filled - reader->at, more;

    if (left < size) {
        memmove(reader->buffer, reader->buffer + reader->at, left);
        more = (size_t)min_u64(BUFFER_SIZE - left, reader->end - reader->place);
        if (file_read(reader->journal->side, reader->place, reader->buffer + left, more, error))
            return NULL;
        reader->checksum = crc32c(reader->checksum, reader->buffer + left, more);
        reader->place += more;
        reader->at = 0;
        reader->filled = left + more;
    }
    reader->at += size;
    return reader->buffer + reader->at - size;
}

static int misfit(uint64_t offset, struct error *error)
{
    return error_set(error, ERROR_REFUSED,
                     "it doesn't fit the image: byte %" PRIu64
                     " is in a place that is neither as it was nor as it is to be",
                     offset);
}

/* Each sector of the page is the old one or the new one. */
static int check_page(struct index_reader *reader, const struct journal_page_entry *entry,
                      struct error *error)
{
    struct journal *journal = reader->journal;
    uint64_t offset = entry->page * JOURNAL_PAGE_SIZE;
    size_t size = journal_bytes_below(entry->page, 1, journal->header.new_size);
    uint8_t *new = reader->bytes, *now = reader->bytes + JOURNAL_PAGE_SIZE;

    memset(new, 0, JOURNAL_PAGE_SIZE);
    if ((entry->slot != JOURNAL_ZERO_SLOT &&
         file_read(journal->side, journal_slot_place(entry->slot), new, size, error)) ||
        file_read(journal->file, offset, now, size, error))
        return -1;
    if (crc32c(0, new, size) != entry->new_checksum)
        return error_set(error, ERROR_REFUSED, "its page for byte %" PRIu64 " is damaged", offset);
    for (size_t at = 0; at < size; at += JOURNAL_SECTOR_SIZE) {
        size_t piece = (size_t)min_u64(JOURNAL_SECTOR_SIZE, size - at);

        if (memcmp(new + at, now + at, piece) != 0 &&
            crc32c(0, now + at, piece) != entry->old_checksums[at / JOURNAL_SECTOR_SIZE])
            return misfit(offset + at, error);
    }
    return 0;
}

static int check_pages(struct index_reader *reader, struct error *error)
{
    struct journal *journal = reader->journal;
    const struct journal_header *header = &journal->header;
    uint64_t slots = (header->index_place - JOURNAL_SLOTS_PLACE) / JOURNAL_PAGE_SIZE;
    uint64_t next = 0; /* the lowest page that can come */

    for (uint64_t i = 0; i < header->page_count; i++) {
        const uint8_t *bytes = read_entry(reader, JOURNAL_PAGE_ENTRY_SIZE, error);
        struct journal_page_entry entry;

        if (!bytes)
            return -1;
        journal_page_entry_decode(bytes, &entry);
        if (entry.page < next || entry.page >= divide_up(header->new_size, JOURNAL_PAGE_SIZE) ||
            (entry.slot != JOURNAL_ZERO_SLOT && entry.slot >= slots))
            return error_set(error, ERROR_REFUSED, "its entry %" PRIu64 " leads astray", i);
        next = entry.page + 1;
        if (check_page(reader, &entry, error) ||
            page_map_put(&journal->map, entry.page, entry.slot, error))
            return -1;
    }
    return 0;
}

static int check_data_run(struct index_reader *reader, const struct journal_run_entry *entry,
                          struct error *error)
{
    uint32_t checksum = 0;

    for (uint64_t at = 0; at < entry->size;) {
        size_t size = (size_t)min_u64(entry->size - at, BUFFER_SIZE);

        if (file_read(reader->journal->file, entry->offset + at, reader->bytes, size, error))
            return -1;
        checksum = crc32c(checksum, reader->bytes, size);
        at += size;
    }
    return checksum == entry->checksum ? 0 : misfit(entry->offset, error);
}

static int check_zero_run(struct index_reader *reader, const struct journal_run_entry *entry,
                          struct error *error)
{
    uint64_t at = entry->offset, end = entry->offset + entry->size;

    while (at < end) {
        size_t size;

        if (file_next_data(reader->journal->file, at, &at, error))
            return -1;
        if (at >= end)
            return 0;
        size = (size_t)min_u64(end - at, BUFFER_SIZE);
        if (file_read(reader->journal->file, at, reader->bytes, size, error))
            return -1;
        if (!bytes_are_zero(reader->bytes, size))
            return misfit(at, error);
        at += size;
    }
    return 0;
}

static int check_runs(struct index_reader *reader, struct error *error)
{
    const struct journal_header *header = &reader->journal->header;

    for (uint64_t i = 0; i < header->run_count; i++) {
        const uint8_t *bytes = read_entry(reader, JOURNAL_RUN_ENTRY_SIZE, error);
        struct journal_run_entry entry;

        if (!bytes)
            return -1;
        if (!journal_run_entry_decode(bytes, &entry) ||
            !range_fits(entry.offset, entry.size, header->new_size))
            return error_set(error, ERROR_REFUSED, "its run %" PRIu64 " leads astray", i);
        if (entry.zero ? check_zero_run(reader, &entry, error)
                       : check_data_run(reader, &entry, error))
            return -1;
    }
    return 0;
}

static void rewind_reader(struct index_reader *reader)
{
    const struct journal_header *header = &reader->journal->header;

    reader->place = header->index_place;
    reader->end = header->index_place + journal_index_size(header);
    reader->at = reader->filled = 0;
    reader->checksum = 0;
}

/* The whole index has the checksum that the header says. */
static int check_index(struct index_reader *reader, struct error *error)
{
    rewind_reader(reader);
    while (reader->place < reader->end) {
        reader->at = reader->filled;
        if (!read_entry(reader, 1, error))
            return -1;
        reader->at = reader->filled;
    }
    if (reader->checksum != reader->journal->header.index_checksum)
        return error_set(error, ERROR_REFUSED, "its index has a wrong checksum");
    rewind_reader(reader);
    return 0;
}

static int check_journal(struct journal *journal, struct error *error)
{
    CLEANUP(cleanup_reader) struct index_reader reader = {.journal = journal};

    if (journal->file_size != journal->header.old_size &&
        journal->file_size != journal->header.new_size)
        return error_set(error, ERROR_REFUSED,
                         "it doesn't fit the image, which has %" PRIu64 " bytes (%" PRIu64
                         " or %" PRIu64 " expected)",
                         journal->file_size, journal->header.old_size, journal->header.new_size);
    reader.buffer = malloc(BUFFER_SIZE);
    reader.bytes = malloc(BUFFER_SIZE);
    if (!reader.buffer || !reader.bytes)
        return error_set_no_memory(error);
    return check_index(&reader, error) || check_pages(&reader, error) || check_runs(&reader, error)
               ? -1
               : 0;
}

/* Looks at what the side file says, and takes it in where it is marked. */
static int read_side(struct journal *journal, struct error *error)
{
    uint8_t bytes[JOURNAL_HEADER_SIZE] = {0};
    enum journal_header_state header_state;
    uint64_t size;

    if (file_get_size(journal->side, &size, error) ||
        file_read(journal->side, 0, bytes, (size_t)min_u64(size, sizeof bytes), error) ||
        journal_header_decode(bytes, size, &header_state, &journal->header, error))
        return -1;
    journal->state = JOURNAL_UNMARKED;
    if (header_state == JOURNAL_HEADER_UNMARKED)
        return 0;
    if (check_journal(journal, error))
        return -1;
    journal->state = JOURNAL_PENDING;
    journal->size = journal->header.new_size;
    journal->slots = journal->written = JOURNAL_ZERO_SLOT; /* all are in the side file */
    return 0;
}

/* Says whose words these are, and what can be done. */
static int blame_side(const struct journal *journal, struct error *error)
{
    bool refused = error->kind == ERROR_REFUSED;

    error_wrap(error, "its journal %s", journal->side->name);
    if (refused)
        error_set_remedy(error,
                         "the journal finishes a change that was interrupted; remove it if the "
                         "image was replaced since on purpose, and keep both if it wasn't");
    return -1;
}

static int look_for_side(struct journal *journal, struct error *error)
{
    if (file_get_size(journal->file, &journal->file_size, error) ||
        file_open_side(journal->file, false, &journal->side, error))
        return -1;
    journal->size = journal->old_size = journal->file_size;
    if (!journal->side)
        return 0;
    if (read_side(journal, error))
        return blame_side(journal, error);
    if (journal->state == JOURNAL_UNMARKED)
        file_close(TAKE(journal->side));
    return 0;
}

int journal_open(struct file *file, struct journal **ret_journal, struct error *error)
{
    struct journal *journal = calloc(1, sizeof *journal);

    if (!journal)
        return error_set_no_memory(error);
    journal->file = file;
    if (look_for_side(journal, error)) {
        journal_close(journal);
        return -1;
    }
    *ret_journal = journal;
    return 0;
}

enum journal_state journal_state(const struct journal *journal)
{
    return journal->state;
}

uint64_t journal_size(const struct journal *journal)
{
    return journal->size;
}

uint64_t journal_bytes_written(const struct journal *journal)
{
    return journal->bytes_written;
}

uint64_t journal_cost(uint64_t pages, uint64_t ranges)
{
    /* A range can become a run between any two pages; one page for the header. */
    return (pages + 1) * (JOURNAL_PAGE_SIZE + JOURNAL_PAGE_ENTRY_SIZE) +
           (pages + ranges + 1) * JOURNAL_RUN_ENTRY_SIZE;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    journal_forget(journal);
    free(journal->tail);
    free(journal);
}
