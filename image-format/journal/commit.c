/*
 * Beginning and ending a transaction; the order is in journal.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "image-format/journal/internal.h"

size_t journal_batch(const struct staged_page *list, size_t count, size_t at)
{
    size_t size = 1;

    while (size < JOURNAL_BATCH_PAGES && at + size < count &&
           list[at + size].page == list[at].page + size &&
           (list[at].slot == JOURNAL_ZERO_SLOT ? list[at + size].slot == JOURNAL_ZERO_SLOT
                                               : list[at + size].slot == list[at].slot + size))
        size++;
    return size;
}

void journal_forget(struct journal *journal)
{
    page_map_clear(&journal->map);
    ranges_clear(&journal->data);
    ranges_clear(&journal->zeros);
    file_close(TAKE(journal->side));
    journal->slots = journal->written = 0;
    journal->was_cut = false;
}

static int apply_batch(struct journal *journal, const struct staged_page *list, size_t count,
                       uint8_t *buffer, struct error *error)
{
    uint64_t offset = list->page * JOURNAL_PAGE_SIZE;
    size_t size = journal_bytes_below(list->page, count, journal->size);

    if (list->slot == JOURNAL_ZERO_SLOT) {
        journal->bytes_written += size;
        return file_zero(journal->file, offset, size, error);
    }
    return file_read(journal->side, journal_slot_place(list->slot), buffer, size, error) ||
                   journal_write_file(journal, offset, buffer, size, error)
               ? -1
               : 0;
}

static int apply_pages(struct journal *journal, struct error *error)
{
    CLEANUP_FREE uint8_t *buffer = malloc(JOURNAL_BATCH_PAGES * JOURNAL_PAGE_SIZE);
    CLEANUP_FREE struct staged_page *list = NULL;
    size_t count, batch;

    if (!buffer)
        return error_set_no_memory(error);
    list =
        page_map_sorted(&journal->map, divide_up(journal->size, JOURNAL_PAGE_SIZE), &count, error);
    if (!list)
        return -1;
    for (size_t at = 0; at < count; at += batch) {
        batch = journal_batch(list, count, at);
        if (apply_batch(journal, list + at, batch, buffer, error))
            return -1;
    }
    return 0;
}

int journal_apply(struct journal *journal, struct error *error)
{
    if (apply_pages(journal, error))
        return -1;
    if (journal->file_size > journal->size && file_set_size(journal->file, journal->size, error))
        return -1;
    if (file_flush(journal->file, error))
        return -1;
    journal->file_size = journal->size;
    journal_forget(journal);
    return file_remove_side(journal->file, error); /* J5 */
}

int journal_begin(struct journal *journal, struct error *error)
{
    if (journal->state == JOURNAL_PENDING && journal_apply(journal, error))
        return error_wrap(error, "while finishing what was interrupted");
    if (journal->state == JOURNAL_UNMARKED && file_remove_side(journal->file, error))
        return -1;
    journal->state = JOURNAL_NONE;
    if (file_get_size(journal->file, &journal->file_size, error))
        return -1;
    journal->old_size = journal->size = journal->file_size;
    return 0;
}

/* Nothing that the old state refers to changes: the growth alone, which is valid without what was
 * written through. */
static int commit_growth(struct journal *journal, enum journal_outcome *ret_outcome,
                         struct error *error)
{
    if (file_flush(journal->file, error))
        return -1;
    *ret_outcome = JOURNAL_COMMITTED;
    journal_forget(journal);
    return 0;
}

/* All that the mark will make valid, durable (J2). */
static int prepare(struct journal *journal, const struct staged_page *list, size_t count,
                   struct error *error)
{
    if (journal_drain(journal, error) || file_flush(journal->file, error))
        return -1;
    journal->header = (struct journal_header){
        .old_size = journal->file_size,
        .new_size = journal->size,
        .index_place = journal_slot_place(journal->slots),
    };
    return journal_write_index(journal, list, count, error) || file_flush(journal->side, error) ? -1
                                                                                                : 0;
}

static int set_mark(struct journal *journal, struct error *error)
{
    uint8_t bytes[JOURNAL_HEADER_SIZE];

    journal_header_encode(&journal->header, bytes);
    return journal_write_side(journal, 0, bytes, sizeof bytes, error) ||
                   file_flush(journal->side, error)
               ? -1
               : 0;
}

int journal_commit(struct journal *journal, enum journal_outcome *ret_outcome, struct error *error)
{
    CLEANUP_FREE struct staged_page *list = NULL;
    size_t count;

    *ret_outcome = JOURNAL_NOT_COMMITTED;
    if (journal->file_size < journal->size) {
        if (file_set_size(journal->file, journal->size, error))
            return -1;
        journal->file_size = journal->size;
    }
    if (journal->map.count == 0 && journal->file_size == journal->size)
        return commit_growth(journal, ret_outcome, error);
    list =
        page_map_sorted(&journal->map, divide_up(journal->size, JOURNAL_PAGE_SIZE), &count, error);
    if (!list || prepare(journal, list, count, error))
        return -1;
    *ret_outcome = JOURNAL_UNCERTAIN;
    if (set_mark(journal, error))
        return -1;
    *ret_outcome = JOURNAL_COMMITTED;
    return journal_apply(journal, error);
}

int journal_abort(struct journal *journal)
{
    bool has_side = journal->side != NULL;
    struct error ignored;
    int result = 0;

    journal_forget(journal);
    /* One that stays is without a mark, and does no harm. */
    if (has_side && file_remove_side(journal->file, &ignored))
        journal->state = JOURNAL_UNMARKED;
    if (journal->file_size > journal->old_size)
        result = file_set_size(journal->file, journal->old_size, &ignored);
    if (result == 0)
        journal->file_size = journal->old_size;
    journal->size = journal->old_size;
    return result;
}
