#include "image-format/disk.h"

#include <inttypes.h>

#include "base/checked.h"

static int check_range(const struct disk *disk, uint64_t offset, uint64_t size, struct error *error)
{
    if (range_fits(offset, size, disk->size))
        return 0;
    return error_set(error, ERROR_CORRUPT,
                     "%" PRIu64 " bytes at byte %" PRIu64 " lie beyond the disk's end (%" PRIu64
                     " bytes)",
                     size, offset, disk->size);
}

static int check_transaction(const struct disk *disk, struct error *error)
{
    if (disk->in_transaction)
        return 0;
    return error_set(error, ERROR_SYSTEM, "the disk was changed outside of a transaction");
}

static int check_change(const struct disk *disk, uint64_t offset, uint64_t size,
                        struct error *error)
{
    return check_transaction(disk, error) || check_range(disk, offset, size, error) ? -1 : 0;
}

/* What a change came to: one that failed spoils its transaction. */
static int changed(struct disk *disk, int result)
{
    disk->spoiled = disk->spoiled || result != 0;
    return result;
}

int disk_describe(struct disk *disk, struct disk_description *ret_description, struct error *error)
{
    return disk->operations->describe(disk, ret_description, error);
}

int disk_read(struct disk *disk, uint64_t offset, void *buffer, size_t size, struct error *error)
{
    if (check_range(disk, offset, size, error))
        return -1;
    return size == 0 ? 0 : disk->operations->read(disk, offset, buffer, size, error);
}

int disk_get_extent(struct disk *disk, uint64_t offset, uint64_t limit,
                    struct disk_extent *ret_extent, struct error *error)
{
    if (offset >= limit || check_range(disk, offset, limit - offset, error))
        return error_set(error, ERROR_SYSTEM, "a range without bytes in it was asked for");
    *ret_extent = (struct disk_extent){0};
    if (disk->operations->extent(disk, offset, limit, ret_extent, error))
        return -1;
    ret_extent->offset = offset;
    ret_extent->size = min_u64(ret_extent->size, limit - offset);
    return 0;
}

int disk_begin(struct disk *disk, struct error *error)
{
    if (!disk->writable)
        return error_set(error, ERROR_SYSTEM, "the disk is open for reading only");
    if (disk->failed)
        return error_set(error, ERROR_SYSTEM, "an earlier change failed; open the image again");
    if (disk->in_transaction)
        return error_set(error, ERROR_SYSTEM, "a transaction is open already");
    if (disk->operations->begin(disk, error))
        return -1;
    disk->in_transaction = true;
    disk->spoiled = false;
    disk->committed = false;
    disk->uncertain = false;
    return 0;
}

int disk_write(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
               struct error *error)
{
    if (check_change(disk, offset, size, error))
        return -1;
    return size == 0 ? 0
                     : changed(disk, disk->operations->write(disk, offset, buffer, size, error));
}

int disk_write_unreferenced(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
                            struct error *error)
{
    if (check_change(disk, offset, size, error))
        return -1;
    return size == 0 ? 0
                     : changed(disk, disk->operations->write_unreferenced(disk, offset, buffer,
                                                                          size, error));
}

int disk_zero(struct disk *disk, uint64_t offset, uint64_t size, struct error *error)
{
    if (check_change(disk, offset, size, error))
        return -1;
    return size == 0 ? 0 : changed(disk, disk->operations->zero(disk, offset, size, error));
}

int disk_zero_unreferenced(struct disk *disk, uint64_t offset, uint64_t size, struct error *error)
{
    if (check_change(disk, offset, size, error))
        return -1;
    return size == 0
               ? 0
               : changed(disk, disk->operations->zero_unreferenced(disk, offset, size, error));
}

int disk_forget(struct disk *disk, uint64_t offset, uint64_t size, struct error *error)
{
    if (check_change(disk, offset, size, error))
        return -1;
    return size == 0 ? 0 : changed(disk, disk->operations->forget(disk, offset, size, error));
}

int disk_set_size(struct disk *disk, uint64_t size, struct error *error)
{
    if (check_transaction(disk, error))
        return -1;
    return size == disk->size ? 0 : changed(disk, disk->operations->set_size(disk, size, error));
}

int disk_growth_cost(struct disk *disk, uint64_t size, const struct disk_range *ranges,
                     size_t count, uint64_t *ret_cost, struct error *error)
{
    return disk->operations->growth_cost(disk, size, ranges, count, ret_cost, error);
}

int disk_commit(struct disk *disk, struct error *error)
{
    int result;

    if (check_transaction(disk, error))
        return -1;
    if (disk->spoiled)
        return error_set(error, ERROR_SYSTEM,
                         "a change failed; the transaction can't be committed");
    result = disk->operations->commit(disk, error);
    disk->in_transaction = false;
    disk->failed = result != 0;
    return result;
}

void disk_abort(struct disk *disk)
{
    if (!disk->in_transaction)
        return;
    disk->operations->abort(disk);
    disk->in_transaction = false;
}

int disk_reclaim(struct disk *disk, struct error *error)
{
    if (disk->failed || disk->in_transaction)
        return error_set(error, ERROR_SYSTEM, "space can't be reclaimed in the middle of a change");
    return disk->operations->reclaim ? disk->operations->reclaim(disk, error) : 0;
}

int disk_plan_compaction(struct disk *disk, const struct disk_unused *unused, size_t count,
                         struct disk_compaction **ret_compaction, struct error *error)
{
    if (!disk->operations->plan_compaction)
        return error_set(error, ERROR_UNSUPPORTED, "this kind of disk can't be compacted");
    return disk->operations->plan_compaction(disk, unused, count, ret_compaction, error);
}

int disk_watch_check(const struct disk_watch *watch, struct error *error)
{
    return watch && watch->interrupted && watch->interrupted()
               ? error_set(error, ERROR_INTERRUPTED, "interrupted by a signal")
               : 0;
}

int disk_compact(struct disk *disk, const struct disk_compaction *compaction,
                 const struct disk_watch *watch, struct error *error)
{
    if (!disk->writable || disk->failed || disk->in_transaction)
        return error_set(error, ERROR_SYSTEM,
                         "the disk can't be compacted in the middle of a change");
    disk->committed = false;
    return disk->operations->compact(disk, compaction, watch, error);
}

void disk_compaction_free(struct disk_compaction *compaction)
{
    if (compaction)
        compaction->free(compaction);
}

void disk_close(struct disk *disk)
{
    if (!disk)
        return;
    disk_abort(disk);
    disk->operations->close(disk);
}
