#include "image-format/journal/format.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/crc32c.h"

/* Where the header's fields lie. */
enum {
    VERSION = 0,
    CHECKSUM = 4, /* of the 512 bytes, with these four as zeros */
    OLD_SIZE = 8,
    NEW_SIZE = 16,
    PAGE_COUNT = 24,
    RUN_COUNT = 32,
    INDEX_PLACE = 40,
    INDEX_CHECKSUM = 48,
    FIELDS_END = 52, /* zeros from here to the mark */
    MARK = JOURNAL_HEADER_SIZE - 16,
};

#define THIS_VERSION 1
#define RUN_IS_ZERO 1u

static const uint8_t mark[16] = "vhdtool-journal";

static uint32_t header_checksum(const uint8_t *bytes)
{
    static const uint8_t zeros[4];
    uint32_t crc = crc32c(0, bytes, CHECKSUM);

    crc = crc32c(crc, zeros, sizeof zeros);
    return crc32c(crc, bytes + CHECKSUM + 4, JOURNAL_HEADER_SIZE - CHECKSUM - 4);
}

void journal_header_encode(const struct journal_header *header, uint8_t bytes[JOURNAL_HEADER_SIZE])
{
    memset(bytes, 0, JOURNAL_HEADER_SIZE);
    put_le32(bytes + VERSION, THIS_VERSION);
    put_le64(bytes + OLD_SIZE, header->old_size);
    put_le64(bytes + NEW_SIZE, header->new_size);
    put_le64(bytes + PAGE_COUNT, header->page_count);
    put_le64(bytes + RUN_COUNT, header->run_count);
    put_le64(bytes + INDEX_PLACE, header->index_place);
    put_le32(bytes + INDEX_CHECKSUM, header->index_checksum);
    memcpy(bytes + MARK, mark, sizeof mark);
    put_le32(bytes + CHECKSUM, header_checksum(bytes));
}

uint64_t journal_index_size(const struct journal_header *header)
{
    return header->page_count * JOURNAL_PAGE_ENTRY_SIZE +
           header->run_count * JOURNAL_RUN_ENTRY_SIZE;
}

/* The index begins where slots end, and lies within the side file; the sizes can be a file's. */
static bool is_sound(const struct journal_header *header, uint64_t side_size)
{
    uint64_t most = side_size / JOURNAL_RUN_ENTRY_SIZE; /* entries */

    return header->new_size <= header->old_size && header->old_size <= INT64_MAX &&
           header->page_count <= most && header->run_count <= most &&
           header->index_place >= JOURNAL_SLOTS_PLACE &&
           (header->index_place - JOURNAL_SLOTS_PLACE) % JOURNAL_PAGE_SIZE == 0 &&
           range_fits(header->index_place, journal_index_size(header), side_size);
}

int journal_header_decode(const uint8_t bytes[JOURNAL_HEADER_SIZE], uint64_t side_size,
                          enum journal_header_state *ret_state, struct journal_header *ret_header,
                          struct error *error)
{
    struct journal_header header = {
        .old_size = get_le64(bytes + OLD_SIZE),
        .new_size = get_le64(bytes + NEW_SIZE),
        .page_count = get_le64(bytes + PAGE_COUNT),
        .run_count = get_le64(bytes + RUN_COUNT),
        .index_place = get_le64(bytes + INDEX_PLACE),
        .index_checksum = get_le32(bytes + INDEX_CHECKSUM),
    };

    *ret_state = JOURNAL_HEADER_UNMARKED;
    if (bytes_are_zero(bytes + MARK, sizeof mark))
        return 0;
    if (memcmp(bytes + MARK, mark, sizeof mark) != 0 ||
        get_le32(bytes + CHECKSUM) != header_checksum(bytes))
        return error_set(error, ERROR_REFUSED, "its header has a wrong checksum");
    if (get_le32(bytes + VERSION) != THIS_VERSION)
        return error_set(error, ERROR_UNSUPPORTED, "it has version %" PRIu32 " (%d expected)",
                         get_le32(bytes + VERSION), THIS_VERSION);
    if (!bytes_are_zero(bytes + FIELDS_END, MARK - FIELDS_END) || !is_sound(&header, side_size))
        return error_set(error, ERROR_REFUSED,
                         "its header contradicts itself, or the %" PRIu64 " bytes that it has",
                         side_size);
    *ret_state = JOURNAL_HEADER_MARKED;
    *ret_header = header;
    return 0;
}

void journal_page_entry_encode(const struct journal_page_entry *entry, uint8_t *bytes)
{
    put_le64(bytes, entry->page);
    put_le32(bytes + 8, entry->slot);
    put_le32(bytes + 12, entry->new_checksum);
    for (unsigned i = 0; i < JOURNAL_PAGE_SECTORS; i++)
        put_le32(bytes + 16 + 4 * i, entry->old_checksums[i]);
}

void journal_page_entry_decode(const uint8_t *bytes, struct journal_page_entry *ret_entry)
{
    ret_entry->page = get_le64(bytes);
    ret_entry->slot = get_le32(bytes + 8);
    ret_entry->new_checksum = get_le32(bytes + 12);
    for (unsigned i = 0; i < JOURNAL_PAGE_SECTORS; i++)
        ret_entry->old_checksums[i] = get_le32(bytes + 16 + 4 * i);
}

void journal_run_entry_encode(const struct journal_run_entry *entry, uint8_t *bytes)
{
    put_le64(bytes, entry->offset);
    put_le64(bytes + 8, entry->size);
    put_le32(bytes + 16, entry->zero ? RUN_IS_ZERO : 0);
    put_le32(bytes + 20, entry->checksum);
}

bool journal_run_entry_decode(const uint8_t *bytes, struct journal_run_entry *ret_entry)
{
    uint32_t kind = get_le32(bytes + 16);

    ret_entry->offset = get_le64(bytes);
    ret_entry->size = get_le64(bytes + 8);
    ret_entry->zero = kind == RUN_IS_ZERO;
    ret_entry->checksum = get_le32(bytes + 20);
    return kind <= RUN_IS_ZERO;
}
