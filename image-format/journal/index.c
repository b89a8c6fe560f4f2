/*
 * The index: for each staged page, the checksums of what the file holds now and
 * of what it will hold; for each run written through, that of its content.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "image-format/journal/internal.h"

#define BUFFER_SIZE (64 * KIB)

struct index_writer {
    struct journal *journal;
    uint64_t place;
    uint32_t checksum;
    size_t used;
    uint8_t *buffer;    /* BUFFER_SIZE */
    uint8_t *old, *new; /* JOURNAL_BATCH_PAGES pages each */
};

static void cleanup_writer(struct index_writer *writer)
{
    free(writer->buffer);
    free(writer->old);
    free(writer->new);
}

static int drain_writer(struct index_writer *writer, struct error *error)
{
    if (journal_write_side(writer->journal, writer->place, writer->buffer, writer->used, error))
        return -1;
    writer->checksum = crc32c(writer->checksum, writer->buffer, writer->used);
    writer->place += writer->used;
    writer->used = 0;
    return 0;
}

/* Room for an entry's bytes, which the caller fills in; NULL sets error. */
static uint8_t *next_entry(struct index_writer *writer, size_t size, struct error *error)
{
    if (writer->used + size > BUFFER_SIZE && drain_writer(writer, error))
        return NULL;
    writer->used += size;
    return writer->buffer + writer->used - size;
}

static int add_page(struct index_writer *writer, const struct staged_page *staged,
                    const uint8_t *old, const uint8_t *new, size_t size, struct error *error)
{
    struct journal_page_entry entry = {.page = staged->page, .slot = staged->slot};
    uint8_t *bytes = next_entry(writer, JOURNAL_PAGE_ENTRY_SIZE, error);

    if (!bytes)
        return -1;
    entry.new_checksum = crc32c(0, new, size);
    for (size_t at = 0; at < size; at += JOURNAL_SECTOR_SIZE)
        entry.old_checksums[at / JOURNAL_SECTOR_SIZE] =
            crc32c(0, old + at, (size_t)min_u64(JOURNAL_SECTOR_SIZE, size - at));
    journal_page_entry_encode(&entry, bytes);
    return 0;
}

/* Pages that follow one another, in the file and in the side file. */
static int add_batch(struct index_writer *writer, const struct staged_page *list, size_t count,
                     struct error *error)
{
    struct journal *journal = writer->journal;
    size_t size = journal_bytes_below(list->page, count, journal->size);

    if (journal_read_file(journal, list->page * JOURNAL_PAGE_SIZE, writer->old, size, error))
        return -1;
    if (list->slot == JOURNAL_ZERO_SLOT)
        memset(writer->new, 0, size);
    else if (file_read(journal->side, journal_slot_place(list->slot), writer->new, size, error))
        return -1;
    for (size_t i = 0; i < count; i++) {
        size_t at = i * JOURNAL_PAGE_SIZE;

        if (add_page(writer, &list[i], writer->old + at, writer->new + at,
                     (size_t)min_u64(JOURNAL_PAGE_SIZE, size - at), error))
            return -1;
    }
    return 0;
}

static int add_run(struct index_writer *writer, const struct range *range, bool zero,
                   struct error *error)
{
    struct journal_run_entry entry = {range->offset, range->size, zero, 0};
    uint8_t *bytes = next_entry(writer, JOURNAL_RUN_ENTRY_SIZE, error);

    if (!bytes)
        return -1;
    for (uint64_t at = 0; at < range->size && !zero;) {
        size_t size = (size_t)min_u64(range->size - at, JOURNAL_BATCH_PAGES * JOURNAL_PAGE_SIZE);

        if (journal_read_file(writer->journal, range->offset + at, writer->old, size, error))
            return -1;
        entry.checksum = crc32c(entry.checksum, writer->old, size);
        at += size;
    }
    journal_run_entry_encode(&entry, bytes);
    return 0;
}

/* What was written through, but for what counts no longer: staged pages since, and what lies
 * beyond the new size. Of two writes to one place the data counts, which may be zeros. */
static int find_runs(struct journal *journal, const struct staged_page *list, size_t count,
                     struct ranges *ret_data, struct ranges *ret_zeros, struct error *error)
{
    struct ranges taken = {0};
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++)
        result = ranges_add(&taken, list[i].page * JOURNAL_PAGE_SIZE, JOURNAL_PAGE_SIZE, error);
    ranges_normalise(&journal->data);
    ranges_normalise(&journal->zeros);
    if (result == 0)
        result = ranges_subtract(&journal->data, &taken, journal->size, ret_data, error);
    for (size_t i = 0; i < journal->data.count && result == 0; i++)
        result =
            ranges_add(&taken, journal->data.list[i].offset, journal->data.list[i].size, error);
    ranges_normalise(&taken);
    if (result == 0)
        result = ranges_subtract(&journal->zeros, &taken, journal->size, ret_zeros, error);
    ranges_clear(&taken);
    return result;
}

static int write_entries(struct index_writer *writer, const struct staged_page *list, size_t count,
                         const struct ranges *data, const struct ranges *zeros, struct error *error)
{
    for (size_t at = 0; at < count;) {
        size_t batch = journal_batch(list, count, at);

        if (add_batch(writer, list + at, batch, error))
            return -1;
        at += batch;
    }
    for (size_t i = 0; i < data->count; i++)
        if (add_run(writer, &data->list[i], false, error))
            return -1;
    for (size_t i = 0; i < zeros->count; i++)
        if (add_run(writer, &zeros->list[i], true, error))
            return -1;
    return drain_writer(writer, error);
}

int journal_write_index(struct journal *journal, const struct staged_page *list, size_t count,
                        struct error *error)
{
    CLEANUP(cleanup_writer)
    struct index_writer writer = {.journal = journal, .place = journal->header.index_place};
    struct ranges data = {0}, zeros = {0};
    int result;

    writer.buffer = malloc(BUFFER_SIZE);
    writer.old = malloc(JOURNAL_BATCH_PAGES * JOURNAL_PAGE_SIZE);
    writer.new = malloc(JOURNAL_BATCH_PAGES * JOURNAL_PAGE_SIZE);
    if (!writer.buffer || !writer.old || !writer.new)
        return error_set_no_memory(error);
    result = find_runs(journal, list, count, &data, &zeros, error);
    if (result == 0)
        result = write_entries(&writer, list, count, &data, &zeros, error);
    journal->header.page_count = count;
    journal->header.run_count = data.count + zeros.count;
    journal->header.index_checksum = writer.checksum;
    ranges_clear(&data);
    ranges_clear(&zeros);
    return result;
}
