/*
 * Reading and changing: what is staged, and what goes through.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image-format/journal/internal.h"

/* How much of a file that says that it holds data is zeroed before it is asked again. */
#define ZERO_STEP (1 * MIB)

/* How many bytes an extent looks through for staged pages. */
#define EXTENT_MOST (1 * MIB)

static const uint8_t zero_page[JOURNAL_PAGE_SIZE];

struct journal_piece journal_next_piece(const struct journal *journal, uint64_t offset,
                                        uint64_t size)
{
    uint64_t page = offset / JOURNAL_PAGE_SIZE;
    struct journal_piece piece = {page_map_find(&journal->map, page), offset, size};
    uint64_t next;

    if (piece.staged) {
        piece.size = min_u64(size, (page + 1) * JOURNAL_PAGE_SIZE - offset);
        return piece;
    }
    next = page_map_next(&journal->map, page + 1, divide_up(offset + size, JOURNAL_PAGE_SIZE));
    piece.size = min_u64(size, max_u64(next, page + 1) * JOURNAL_PAGE_SIZE - offset);
    return piece;
}

int journal_read_file(struct journal *journal, uint64_t offset, void *buffer, size_t size,
                      struct error *error)
{
    uint64_t there = offset < journal->file_size ? min_u64(size, journal->file_size - offset) : 0;

    memset((uint8_t *)buffer + there, 0, size - (size_t)there);
    return there ? file_read(journal->file, offset, buffer, (size_t)there, error) : 0;
}

int journal_write_file(struct journal *journal, uint64_t offset, const void *buffer, size_t size,
                       struct error *error)
{
    if (file_write(journal->file, offset, buffer, size, error))
        return -1;
    journal->bytes_written += size;
    journal->file_size = max_u64(journal->file_size, offset + size);
    return 0;
}

int journal_write_side(struct journal *journal, uint64_t place, const void *buffer, size_t size,
                       struct error *error)
{
    if (file_write(journal->side, place, buffer, size, error))
        return error_wrap(error, "the journal beside it");
    journal->bytes_written += size;
    return 0;
}

static int read_slot(struct journal *journal, uint32_t slot, size_t within, void *buffer,
                     size_t size, struct error *error)
{
    if (slot == JOURNAL_ZERO_SLOT) {
        memset(buffer, 0, size);
        return 0;
    }
    if (slot >= journal->written) {
        memcpy(buffer,
               journal->tail + (size_t)(slot - journal->written) * JOURNAL_PAGE_SIZE + within,
               size);
        return 0;
    }
    return file_read(journal->side, journal_slot_place(slot) + within, buffer, size, error);
}

static int write_slot(struct journal *journal, uint32_t slot, size_t within, const void *buffer,
                      size_t size, struct error *error)
{
    if (slot < journal->written)
        return journal_write_side(journal, journal_slot_place(slot) + within, buffer, size, error);
    memcpy(journal->tail + (size_t)(slot - journal->written) * JOURNAL_PAGE_SIZE + within, buffer,
           size);
    return 0;
}

int journal_drain(struct journal *journal, struct error *error)
{
    uint32_t count = journal->slots - journal->written;

    if (!journal->side) {
        if (file_open_side(journal->file, true, &journal->side, error))
            return -1;
        /* Space for the mark: it can't fail for want of that. */
        if (journal_write_side(journal, 0, zero_page, sizeof zero_page, error))
            return -1;
    }
    if (count > 0 && journal_write_side(journal, journal_slot_place(journal->written),
                                        journal->tail, (size_t)count * JOURNAL_PAGE_SIZE, error))
        return -1;
    journal->written = journal->slots;
    return 0;
}

/* Memory for one more slot, without content. */
static int make_slot(struct journal *journal, uint8_t **ret_bytes, struct error *error)
{
    if (!journal->tail)
        journal->tail = malloc(JOURNAL_BATCH_PAGES * JOURNAL_PAGE_SIZE);
    if (!journal->tail)
        return error_set_no_memory(error);
    if (journal->slots == JOURNAL_ZERO_SLOT)
        return error_set(error, ERROR_UNSUPPORTED, "the change is more than a journal holds");
    if (journal->slots - journal->written == JOURNAL_BATCH_PAGES && journal_drain(journal, error))
        return -1;
    *ret_bytes = journal->tail + (size_t)(journal->slots - journal->written) * JOURNAL_PAGE_SIZE;
    return 0;
}

/* Writes within one page, which gets a slot where it has none. */
static int stage(struct journal *journal, uint64_t offset, const void *buffer, size_t size,
                 struct error *error)
{
    uint64_t page = offset / JOURNAL_PAGE_SIZE;
    size_t within = (size_t)(offset % JOURNAL_PAGE_SIZE);
    struct staged_page *staged = page_map_find(&journal->map, page);
    uint8_t *bytes = NULL;

    if (staged && staged->slot != JOURNAL_ZERO_SLOT)
        return write_slot(journal, staged->slot, within, buffer, size, error);
    if (make_slot(journal, &bytes, error))
        return -1;
    if (staged)
        memset(bytes, 0, JOURNAL_PAGE_SIZE);
    else if (size < JOURNAL_PAGE_SIZE &&
             journal_read_file(journal, page * JOURNAL_PAGE_SIZE, bytes, JOURNAL_PAGE_SIZE, error))
        return -1;
    memcpy(bytes + within, buffer, size);
    if (page_map_put(&journal->map, page, journal->slots, error))
        return -1;
    journal->slots++;
    return 0;
}

int journal_read(struct journal *journal, uint64_t offset, void *buffer, size_t size,
                 struct error *error)
{
    uint8_t *to = buffer;

    while (size > 0) {
        struct journal_piece piece = journal_next_piece(journal, offset, size);

        if (piece.staged ? read_slot(journal, piece.staged->slot, offset % JOURNAL_PAGE_SIZE, to,
                                     (size_t)piece.size, error)
                         : journal_read_file(journal, offset, to, (size_t)piece.size, error))
            return -1;
        to += piece.size;
        offset += piece.size;
        size -= (size_t)piece.size;
    }
    return 0;
}

int journal_write_through(struct journal *journal, uint64_t offset, const void *buffer, size_t size,
                          struct error *error)
{
    const uint8_t *from = buffer;

    while (size > 0) {
        struct journal_piece piece = journal_next_piece(journal, offset, size);

        if (piece.staged ? stage(journal, offset, from, (size_t)piece.size, error)
                         : ranges_add(&journal->data, offset, piece.size, error) ||
                               journal_write_file(journal, offset, from, (size_t)piece.size, error))
            return -1;
        from += piece.size;
        offset += piece.size;
        size -= (size_t)piece.size;
    }
    return 0;
}

int journal_write(struct journal *journal, uint64_t offset, const void *buffer, size_t size,
                  struct error *error)
{
    const uint8_t *from = buffer;

    while (size > 0 && offset < journal->old_size) {
        size_t piece = (size_t)min_u64(size, JOURNAL_PAGE_SIZE - offset % JOURNAL_PAGE_SIZE);

        piece = (size_t)min_u64(piece, journal->old_size - offset);
        if (stage(journal, offset, from, piece, error))
            return -1;
        from += piece;
        offset += piece;
        size -= piece;
    }
    return journal_write_through(journal, offset, from, size, error);
}

/* Zeroes what the file has there; holes are zeros already. */
static int zero_file(struct journal *journal, uint64_t offset, uint64_t size, struct error *error)
{
    uint64_t end = min_u64(offset + size, journal->file_size);

    if (ranges_add(&journal->zeros, offset, size, error))
        return -1;
    while (offset < end) {
        uint64_t data, step;

        if (file_next_data(journal->file, offset, &data, error))
            return -1;
        if (data >= end)
            break;
        step = min_u64(ZERO_STEP, end - data);
        if (file_zero(journal->file, data, step, error))
            return -1;
        journal->bytes_written += step;
        offset = data + step;
    }
    return 0;
}

int journal_zero_through(struct journal *journal, uint64_t offset, uint64_t size,
                         struct error *error)
{
    while (size > 0) {
        struct journal_piece piece = journal_next_piece(journal, offset, size);

        if (piece.staged ? stage(journal, offset, zero_page, (size_t)piece.size, error)
                         : zero_file(journal, offset, piece.size, error))
            return -1;
        offset += piece.size;
        size -= piece.size;
    }
    return 0;
}

/* Zeroes a range below the old size that is in no staged page: where the file has a hole there is
 * nothing to do, and whole pages need no bytes. */
static int zero_unstaged(struct journal *journal, uint64_t offset, uint64_t size,
                         struct error *error)
{
    uint64_t end = offset + size, data = offset;

    while (offset < end) {
        uint64_t page = offset / JOURNAL_PAGE_SIZE;
        uint64_t stop = min_u64(end, (page + 1) * JOURNAL_PAGE_SIZE);

        if (data <= offset && file_next_data(journal->file, offset, &data, error))
            return -1;
        if (data > offset) { /* a hole */
            stop = min_u64(end, data);
            if (ranges_add(&journal->zeros, offset, stop - offset, error))
                return -1;
        } else if (stop - offset == JOURNAL_PAGE_SIZE) {
            if (page_map_put(&journal->map, page, JOURNAL_ZERO_SLOT, error))
                return -1;
        } else if (stage(journal, offset, zero_page, (size_t)(stop - offset), error)) {
            return -1;
        }
        offset = stop;
    }
    return 0;
}

int journal_zero(struct journal *journal, uint64_t offset, uint64_t size, struct error *error)
{
    while (size > 0 && offset < journal->old_size) {
        struct journal_piece piece =
            journal_next_piece(journal, offset, min_u64(size, journal->old_size - offset));

        if (piece.staged ? stage(journal, offset, zero_page, (size_t)piece.size, error)
                         : zero_unstaged(journal, offset, piece.size, error))
            return -1;
        offset += piece.size;
        size -= piece.size;
    }
    return journal_zero_through(journal, offset, size, error);
}

int journal_set_size(struct journal *journal, uint64_t size, struct error *error)
{
    uint64_t from = journal->size;

    if (size > INT64_MAX)
        return error_set(error, ERROR_REFUSED, "a file can't have so many bytes");
    journal->was_cut |= size < from;
    journal->size = size;
    /* What was cut off doesn't come back. */
    return size > from && journal->was_cut ? journal_zero(journal, from, size - from, error) : 0;
}

int journal_extent(struct journal *journal, uint64_t offset, bool *ret_zero, uint64_t *ret_size,
                   struct error *error)
{
    uint64_t most =
        min_u64(journal->size - offset, journal->map.count ? EXTENT_MOST : journal->size - offset);
    struct journal_piece piece = journal_next_piece(journal, offset, most);
    uint64_t data = journal->file_size, hole;

    *ret_size = piece.size;
    *ret_zero = piece.staged && piece.staged->slot == JOURNAL_ZERO_SLOT;
    if (piece.staged)
        return 0;
    if (offset < journal->file_size && file_next_data(journal->file, offset, &data, error))
        return -1;
    *ret_zero = data > offset || offset >= journal->file_size;
    if (!*ret_zero && file_next_hole(journal->file, offset, &hole, error))
        return -1;
    if (!*ret_zero)
        *ret_size = min_u64(piece.size, max_u64(hole, offset + 1) - offset);
    else if (offset < data && data < journal->file_size)
        *ret_size = min_u64(piece.size, data - offset);
    return 0;
}
