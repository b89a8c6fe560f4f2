#include "image-format/raw/raw.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "image-format/file.h"
#include "image-format/journal/journal.h"
#include "image-format/raw/internal.h"

#define SECTOR_SIZE 512 /* of what is no device */

/* What the journal changes of what everybody sees. */
static int done(struct raw *raw, int result)
{
    raw->disk.size = journal_size(raw->journal);
    raw->disk.bytes_written = journal_bytes_written(raw->journal);
    return result;
}

static int raw_describe(struct disk *disk, struct disk_description *ret_description,
                        struct error *error)
{
    static const char *const logs[] = {"none", "clean", "dirty"}; /* by journal_state */
    struct raw *raw = raw_of(disk);
    struct disk_description description = {
        .format = "raw",
        .type = "fixed",
        .log = logs[journal_state(raw->journal)],
        .has_leftover = journal_state(raw->journal) == JOURNAL_UNMARKED,
        .virtual_size = disk->size,
        .logical_sector_size = SECTOR_SIZE,
        .physical_sector_size = SECTOR_SIZE,
    };
    struct file_host_facts facts;

    if (file_get_size(raw->file, &description.file_size, error) ||
        file_host_facts(raw->file, &facts, error))
        return -1;
    description.allocated_size = facts.allocated_size;
    description.host_free_space = facts.free_space;
    if (facts.is_device) {
        description.logical_sector_size = facts.logical_sector_size;
        description.physical_sector_size = facts.physical_sector_size;
    }
    *ret_description = description;
    return 0;
}

static int raw_read(struct disk *disk, uint64_t offset, void *buffer, size_t size,
                    struct error *error)
{
    return journal_read(raw_of(disk)->journal, offset, buffer, size, error);
}

static int raw_extent(struct disk *disk, uint64_t offset, uint64_t limit,
                      struct disk_extent *ret_extent, struct error *error)
{
    bool zero;

    (void)limit;
    if (journal_extent(raw_of(disk)->journal, offset, &zero, &ret_extent->size, error))
        return -1;
    ret_extent->state = zero ? DISK_EXTENT_ZERO : DISK_EXTENT_DATA;
    ret_extent->place = zero ? 0 : offset;
    return 0;
}

int raw_begin(struct disk *disk, struct error *error)
{
    struct raw *raw = raw_of(disk);
    int result = done(raw, journal_begin(raw->journal, error));

    disk->failed = result != 0;
    return result;
}

static int raw_write(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
                     struct error *error)
{
    struct raw *raw = raw_of(disk);

    return done(raw, journal_write(raw->journal, offset, buffer, size, error));
}

static int raw_write_unreferenced(struct disk *disk, uint64_t offset, const void *buffer,
                                  size_t size, struct error *error)
{
    struct raw *raw = raw_of(disk);

    return done(raw, journal_write_through(raw->journal, offset, buffer, size, error));
}

static int raw_zero(struct disk *disk, uint64_t offset, uint64_t size, struct error *error)
{
    struct raw *raw = raw_of(disk);

    return done(raw, journal_zero(raw->journal, offset, size, error));
}

static int raw_zero_unreferenced(struct disk *disk, uint64_t offset, uint64_t size,
                                 struct error *error)
{
    struct raw *raw = raw_of(disk);

    return done(raw, journal_zero_through(raw->journal, offset, size, error));
}

/* What was forgotten may be anything: it stays, and a file without holes stays without. */
static int raw_forget(struct disk *disk, uint64_t offset, uint64_t size, struct error *error)
{
    (void)disk;
    (void)offset;
    (void)size;
    (void)error;
    return 0;
}

static int check_size(struct raw *raw, uint64_t size, bool *ret_is_device, struct error *error)
{
    struct file_host_facts facts;
    uint64_t present;

    if (file_host_facts(raw->file, &facts, error) || file_get_size(raw->file, &present, error))
        return -1;
    *ret_is_device = facts.is_device;
    if (facts.is_device && size != present)
        return error_set(error, ERROR_REFUSED,
                         "it is a device of %" PRIu64 " bytes, and can't get %" PRIu64, present,
                         size);
    if (size == 0 || size > INT64_MAX || (size % SECTOR_SIZE != 0 && size != present))
        return error_set(error, ERROR_REFUSED,
                         "a raw image can't get %" PRIu64 " bytes (whole sectors of %d expected)",
                         size, SECTOR_SIZE);
    return 0;
}

static int raw_set_size(struct disk *disk, uint64_t size, struct error *error)
{
    struct raw *raw = raw_of(disk);
    bool is_device;

    return check_size(raw, size, &is_device, error)
               ? -1
               : done(raw, journal_set_size(raw->journal, size, error));
}

/* At worst, all of the ranges are holes now, and all that lie below the disk's present size are
 * staged as well. */
static int raw_growth_cost(struct disk *disk, uint64_t size, const struct disk_range *ranges,
                           size_t count, uint64_t *ret_cost, struct error *error)
{
    uint64_t all = 0, staged = 0; /* pages */
    uint64_t old_pages = divide_up(disk->size, JOURNAL_PAGE_SIZE);
    uint64_t next = 0; /* behind the last page that was counted */
    bool is_device;

    if (check_size(raw_of(disk), size, &is_device, error))
        return -1;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = max_u64(ranges[i].offset / JOURNAL_PAGE_SIZE, next);
        uint64_t end = divide_up(ranges[i].offset + ranges[i].size, JOURNAL_PAGE_SIZE);

        if (first < end) {
            all += end - first;
            if (!ranges[i].unreferenced)
                staged += min_u64(end, max_u64(old_pages, first)) - first;
            next = end;
        }
    }
    *ret_cost = (is_device ? 0 : all * JOURNAL_PAGE_SIZE) + journal_cost(staged, count);
    return 0;
}

static int raw_commit(struct disk *disk, struct error *error)
{
    struct raw *raw = raw_of(disk);
    enum journal_outcome outcome;
    int result = journal_commit(raw->journal, &outcome, error);

    disk->committed = outcome == JOURNAL_COMMITTED;
    disk->uncertain = outcome == JOURNAL_UNCERTAIN;
    if (result && outcome == JOURNAL_NOT_COMMITTED)
        journal_abort(raw->journal);
    return done(raw, result);
}

static void raw_abort(struct disk *disk)
{
    struct raw *raw = raw_of(disk);

    if (done(raw, journal_abort(raw->journal)))
        disk->failed = true;
}

static void raw_close(struct disk *disk)
{
    struct raw *raw = raw_of(disk);

    journal_close(raw->journal);
    file_close(raw->file);
    free(raw);
}

static const struct disk_operations raw_operations = {
    .describe = raw_describe,
    .read = raw_read,
    .extent = raw_extent,
    .begin = raw_begin,
    .write = raw_write,
    .write_unreferenced = raw_write_unreferenced,
    .zero = raw_zero,
    .zero_unreferenced = raw_zero_unreferenced,
    .forget = raw_forget,
    .set_size = raw_set_size,
    .growth_cost = raw_growth_cost,
    .commit = raw_commit,
    .abort = raw_abort,
    .plan_compaction = raw_plan_compaction,
    .compact = raw_compact,
    .close = raw_close,
};

struct disk *raw_open(struct file *file, struct error *error)
{
    struct raw *raw = calloc(1, sizeof *raw);

    if (!raw) {
        file_close(file);
        error_set_no_memory(error);
        return NULL;
    }
    raw->disk.operations = &raw_operations;
    raw->disk.writable = file->writable;
    raw->file = file;
    if (raw_check(file, error) || journal_open(file, &raw->journal, error)) {
        raw_close(&raw->disk);
        return NULL;
    }
    done(raw, 0);
    return &raw->disk;
}
