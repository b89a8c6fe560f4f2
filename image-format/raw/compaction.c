/*
 * Giving back what a raw image needn't store: it becomes holes, in place, and the
 * file keeps its size. What reads as zeros needs no journal: of ranges that mean
 * nothing any part may be zeroed already, and zeros stay zeros. So a power cut
 * leaves the same disk at every moment, with some of the holes made.
 *
 * What is given back is what the host calls data (SEEK_DATA, SEEK_HOLE). Storage
 * without data, which fallocate and `qemu-img -o preallocation=falloc` set apart,
 * is no part of that, and stays: somebody wanted it. Where the host has blocks or
 * clusters of more than 4096 bytes, or shares them among files, it may free less.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/progress.h"
#include "image-format/file.h"
#include "image-format/journal/journal.h"
#include "image-format/journal/ranges.h"
#include "image-format/raw/internal.h"

#define PAGE_SIZE 4096
#define STEP (256 * MIB) /* becomes a hole in one go, between two looks at the watch */

struct raw_compaction {
    struct disk_compaction common; /* first */
    struct ranges unused;          /* whole pages of the disk */
};

static void free_compaction(struct disk_compaction *compaction)
{
    struct raw_compaction *raw_compaction = (struct raw_compaction *)compaction;

    ranges_clear(&raw_compaction->unused);
    free(raw_compaction);
}

static void cleanup_compaction(struct raw_compaction **compaction)
{
    if (*compaction)
        free_compaction(&(*compaction)->common);
}

/* The first bytes that the host stores of those from offset on and before end; none: *ret_size is
 * 0. A pending journal counts as if it were applied. */
static int next_stored(struct raw *raw, uint64_t offset, uint64_t end, uint64_t *ret_offset,
                       uint64_t *ret_size, struct error *error)
{
    while (offset < end) {
        uint64_t size;
        bool zero;

        if (journal_extent(raw->journal, offset, &zero, &size, error))
            return -1;
        size = min_u64(size, end - offset);
        if (!zero) {
            *ret_offset = offset;
            *ret_size = size;
            return 0;
        }
        offset += size;
    }
    *ret_size = 0;
    return 0;
}

static int count_stored(struct raw *raw, const struct range *range, uint64_t *ret_bytes,
                        struct error *error)
{
    uint64_t offset = range->offset, end = range->offset + range->size, size;

    for (*ret_bytes = 0;; *ret_bytes += size, offset += size) {
        if (next_stored(raw, offset, end, &offset, &size, error))
            return -1;
        if (size == 0)
            return 0;
    }
}

static int check_host(struct raw *raw, struct error *error)
{
    struct file_host_facts facts;

    if (file_host_facts(raw->file, &facts, error))
        return -1;
    if (facts.is_device)
        return error_set(error, ERROR_UNSUPPORTED,
                         "it is a device, and takes up what it takes up (a file expected)");
    return 0;
}

/* The whole pages of the ranges; those that touch become one. */
static int take_in(struct raw_compaction *compaction, uint64_t disk_size,
                   const struct disk_unused *unused, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t from = round_up(unused[i].offset, PAGE_SIZE);
        uint64_t to = round_down(unused[i].offset + unused[i].size, PAGE_SIZE);

        if (!range_fits(unused[i].offset, unused[i].size, disk_size))
            return error_set(error, ERROR_SYSTEM,
                             "%" PRIu64 " unused bytes at byte %" PRIu64
                             " lie beyond the disk's end (%" PRIu64 " bytes)",
                             unused[i].size, unused[i].offset, disk_size);
        if (from < to && ranges_add(&compaction->unused, from, to - from, error))
            return -1;
    }
    return 0;
}

int raw_plan_compaction(struct disk *disk, const struct disk_unused *unused, size_t count,
                        struct disk_compaction **ret_compaction, struct error *error)
{
    CLEANUP(cleanup_compaction)
    struct raw_compaction *compaction = calloc(1, sizeof *compaction);
    struct raw *raw = raw_of(disk);

    if (!compaction)
        return error_set_no_memory(error);
    compaction->common.free = free_compaction;
    compaction->common.file_size = disk->size;
    if (check_host(raw, error) || take_in(compaction, disk->size, unused, count, error))
        return -1;
    for (size_t i = 0; i < compaction->unused.count; i++) {
        uint64_t bytes;

        if (count_stored(raw, &compaction->unused.list[i], &bytes, error))
            return -1;
        compaction->common.given_back += bytes;
    }
    compaction->common.forgotten = compaction->common.given_back;
    *ret_compaction = &TAKE(compaction)->common;
    return 0;
}

/* What of a range is stored becomes holes; *done counts the bytes. */
static int punch_range(struct raw *raw, const struct range *range, uint64_t total, uint64_t *done,
                       const struct disk_watch *watch, struct error *error)
{
    uint64_t offset = range->offset, end = range->offset + range->size, size;

    for (;; offset += size) {
        if (next_stored(raw, offset, end, &offset, &size, error))
            return -1;
        if (size == 0)
            return 0;
        size = min_u64(size, STEP);
        if (disk_watch_check(watch, error) || file_punch(raw->file, offset, size, error))
            return -1;
        raw->disk.committed = true;
        *done += size;
        progress_update(watch ? watch->progress : NULL, "giving back", *done, total);
    }
}

int raw_compact(struct disk *disk, const struct disk_compaction *compaction,
                const struct disk_watch *watch, struct error *error)
{
    const struct ranges *unused = &((const struct raw_compaction *)compaction)->unused;
    struct raw *raw = raw_of(disk);
    struct error later;
    uint64_t done = 0;
    int result = raw_begin(disk, error);

    for (size_t i = 0; i < unused->count && result == 0; i++)
        result = punch_range(raw, &unused->list[i], compaction->given_back, &done, watch, error);
    if (result && error->kind != ERROR_INTERRUPTED && error->kind != ERROR_UNSUPPORTED)
        disk->failed = true;
    if (disk->committed && file_flush(raw->file, result ? &later : error)) {
        disk->failed = true;
        return -1;
    }
    return result;
}
