#include "ext4/journal-log.h"

#include <ext2fs/ext2fs.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "ext4/journal-format.h"

int ext4_journal_walk_begin(struct journal *journal, struct journal_walk *walk, struct error *error)
{
    *walk = (struct journal_walk){
        .journal = journal,
        .block = malloc(journal->block_size),
        .position = journal->start,
        .sequence = journal->start_sequence,
    };
    return walk->block ? 0 : error_set_no_memory(error);
}

void ext4_journal_walk_end(struct journal_walk *walk)
{
    free(walk->block);
    walk->block = NULL;
}

int ext4_journal_walk_skip(struct journal_walk *walk, uint32_t count, struct error *error)
{
    uint32_t first = walk->journal->first, length = walk->journal->last - first;

    walk->walked += count;
    if (walk->walked > length)
        return ext4_journal_bad(error, "a log that runs into its own beginning, block",
                                walk->journal->start);
    walk->position = first + (uint32_t)(((uint64_t)walk->position - first + count) % length);
    return 0;
}

int ext4_journal_walk_read(struct journal_walk *walk, struct error *error)
{
    if (ext4_journal_read(walk->journal, walk->position, walk->block, error))
        return -1;
    return ext4_journal_walk_skip(walk, 1, error);
}

uint32_t ext4_journal_walk_type(const struct journal_walk *walk)
{
    if (get_be32(walk->block + JOURNAL_HEADER_MAGIC) != JOURNAL_MAGIC ||
        get_be32(walk->block + JOURNAL_HEADER_SEQUENCE) != walk->sequence)
        return 0;
    return get_be32(walk->block + JOURNAL_HEADER_TYPE);
}

bool ext4_journal_tail_matches(const struct journal *journal, uint8_t *block)
{
    uint8_t *tail = block + journal->block_size - JOURNAL_TAIL_SIZE;
    uint32_t found = get_be32(tail), computed;

    if (!journal->has_checksums)
        return true;
    put_be32(tail, 0);
    computed = ext2fs_crc32c_le(journal->seed, block, journal->block_size);
    put_be32(tail, found);
    return found == computed;
}

static size_t tag_size(const struct journal *journal)
{
    if (journal->has_v3)
        return 16;
    return 8u + (journal->has_64bit ? 4u : 0) + (journal->has_checksums ? 2u : 0);
}

bool ext4_journal_next_tag(const struct journal *journal, const uint8_t *descriptor, size_t *offset,
                           struct journal_tag *ret_tag)
{
    size_t limit = journal->block_size - (journal->has_checksums ? JOURNAL_TAIL_SIZE : 0);
    const uint8_t *tag;

    if (*offset == 0)
        *offset = JOURNAL_HEADER_SIZE;
    if (*offset + tag_size(journal) > limit)
        return false;
    tag = descriptor + *offset;
    ret_tag->block = get_be32(tag + JOURNAL_TAG_BLOCK);
    if (journal->has_64bit)
        ret_tag->block |= (uint64_t)get_be32(tag + JOURNAL_TAG_BLOCK_HIGH) << 32;
    ret_tag->flags = get_be16(tag + JOURNAL_TAG_FLAGS);
    ret_tag->checksum = journal->has_v3 ? get_be32(tag + JOURNAL_TAG_CHECKSUM_V3)
                                        : get_be16(tag + JOURNAL_TAG_CHECKSUM);
    *offset += tag_size(journal);
    if (!(ret_tag->flags & JOURNAL_TAG_SAME_UUID))
        *offset += JOURNAL_TAG_UUID_SIZE;
    if (ret_tag->flags & JOURNAL_TAG_LAST)
        *offset = journal->block_size;
    return true;
}

uint32_t ext4_journal_count_tags(const struct journal *journal, const uint8_t *descriptor)
{
    struct journal_tag tag;
    size_t offset = 0;
    uint32_t count = 0;

    while (ext4_journal_next_tag(journal, descriptor, &offset, &tag))
        count++;
    return count;
}

static int compare_revokes(const void *a, const void *b)
{
    const struct journal_revoke *first = a, *second = b;

    if (first->block != second->block)
        return first->block < second->block ? -1 : 1;
    return journal_is_after(second->sequence, first->sequence)   ? -1
           : journal_is_after(first->sequence, second->sequence) ? 1
                                                                 : 0;
}

/* Of the records of one block the latest counts. */
void ext4_journal_sort_revokes(struct journal *journal)
{
    struct journal_revoke *list = journal->revokes;
    size_t kept = 0;

    if (journal->revoke_count == 0)
        return;
    qsort(list, journal->revoke_count, sizeof *list, compare_revokes);
    for (size_t i = 1; i < journal->revoke_count; i++) {
        if (list[i].block != list[kept].block)
            kept++;
        list[kept] = list[i];
    }
    journal->revoke_count = kept + 1;
}

static int add_revoke(struct journal *journal, uint64_t block, uint32_t sequence,
                      struct error *error)
{
    void *list;

    /* Records that say the same take no memory twice. */
    if (journal->revoke_count == journal->revoke_capacity) {
        ext4_journal_sort_revokes(journal);
        if (journal->revoke_count >= journal->revoke_capacity / 2) {
            size_t capacity = journal->revoke_capacity ? journal->revoke_capacity * 2 : 256;

            list = realloc(journal->revokes, capacity * sizeof *journal->revokes);
            if (!list)
                return error_set_no_memory(error);
            journal->revokes = list;
            journal->revoke_capacity = capacity;
        }
    }
    journal->revokes[journal->revoke_count++] = (struct journal_revoke){block, sequence};
    return 0;
}

int ext4_journal_revokes_end(const struct journal *journal, const uint8_t *block, uint32_t *ret_end,
                             struct error *error)
{
    uint32_t limit = journal->block_size - (journal->has_checksums ? JOURNAL_TAIL_SIZE : 0);

    *ret_end = get_be32(block + JOURNAL_REVOKE_USED);
    if (*ret_end > limit)
        return ext4_journal_bad(error, "a revoke block with more records than it can have, bytes",
                                *ret_end);
    return 0;
}

int ext4_journal_add_revokes(struct journal *journal, const uint8_t *block, uint32_t sequence,
                             struct error *error)
{
    uint32_t size = journal->has_64bit ? 8 : 4, end;

    if (ext4_journal_revokes_end(journal, block, &end, error))
        return -1;
    for (uint32_t i = JOURNAL_REVOKE_FIRST; i + size <= end; i += size) {
        uint64_t number = journal->has_64bit ? get_be64(block + i) : get_be32(block + i);

        if (number < journal->disk_blocks && add_revoke(journal, number, sequence, error))
            return -1;
    }
    return 0;
}

bool ext4_journal_is_revoked(const struct journal *journal, uint64_t block, uint32_t sequence)
{
    size_t low = 0, high = journal->revoke_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (journal->revokes[middle].block < block)
            low = middle + 1;
        else
            high = middle;
    }
    return low < journal->revoke_count && journal->revokes[low].block == block &&
           !journal_is_after(sequence, journal->revokes[low].sequence);
}
