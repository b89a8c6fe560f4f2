#define _GNU_SOURCE
#include "tests/support/plain-disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"

struct plain_disk {
    struct disk base;
    int fd;
};

static int fd_of(const struct disk *disk)
{
    return ((const struct plain_disk *)disk)->fd;
}

static int plain_describe(struct disk *disk, struct disk_description *ret_description,
                          struct error *error)
{
    (void)error;
    *ret_description = (struct disk_description){
        .format = "raw",
        .type = "fixed",
        .log = "none",
        .virtual_size = disk->size,
        .file_size = disk->size,
        .logical_sector_size = 512,
        .physical_sector_size = 4096,
    };
    return 0;
}

static int plain_read(struct disk *disk, uint64_t offset, void *buffer, size_t size,
                      struct error *error)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd_of(disk), (char *)buffer + done, size - done, (off_t)(offset + done));

        if (n <= 0)
            return error_set_errno(error, n < 0 ? errno : EIO, "can't read at byte %" PRIu64,
                                   offset + done);
        done += (size_t)n;
    }
    return 0;
}

static int plain_write(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
                       struct error *error)
{
    for (size_t done = 0; done < size;) {
        ssize_t n =
            pwrite(fd_of(disk), (const char *)buffer + done, size - done, (off_t)(offset + done));

        if (n <= 0)
            return error_set_errno(error, n < 0 ? errno : EIO, "can't write at byte %" PRIu64,
                                   offset + done);
        done += (size_t)n;
    }
    disk->bytes_written += size;
    return 0;
}

static int plain_extent(struct disk *disk, uint64_t offset, uint64_t limit,
                        struct disk_extent *ret_extent, struct error *error)
{
    off_t data = lseek(fd_of(disk), (off_t)offset, SEEK_DATA);
    off_t hole;

    (void)limit;
    if (data < 0 && errno == ENXIO)
        data = (off_t)disk->size;
    if (data < 0)
        return error_set_errno(error, errno, "can't look for data");
    hole = (uint64_t)data == offset ? lseek(fd_of(disk), data, SEEK_HOLE) : data;
    if (hole < 0)
        return error_set_errno(error, errno, "can't look for holes");
    ret_extent->state = (uint64_t)data == offset ? DISK_EXTENT_DATA : DISK_EXTENT_ZERO;
    ret_extent->place = (uint64_t)data == offset ? offset : 0;
    ret_extent->size = (uint64_t)hole - offset;
    return 0;
}

static int plain_zero(struct disk *disk, uint64_t offset, uint64_t size, struct error *error)
{
    if (fallocate(fd_of(disk), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                  (off_t)size))
        return error_set_errno(error, errno, "can't make a hole at byte %" PRIu64, offset);
    return 0;
}

static int plain_set_size(struct disk *disk, uint64_t size, struct error *error)
{
    if (ftruncate(fd_of(disk), (off_t)size))
        return error_set_errno(error, errno, "can't make the file %" PRIu64 " bytes large", size);
    disk->size = size;
    return 0;
}

static int plain_growth_cost(struct disk *disk, uint64_t size, const struct disk_range *ranges,
                             size_t count, uint64_t *ret_cost, struct error *error)
{
    (void)error;
    *ret_cost = max_u64(size, disk->size) - disk->size;
    for (size_t i = 0; i < count; i++)
        *ret_cost += ranges[i].size;
    return 0;
}

static int plain_begin(struct disk *disk, struct error *error)
{
    (void)disk;
    (void)error;
    return 0;
}

static int plain_commit(struct disk *disk, struct error *error)
{
    if (fsync(fd_of(disk)))
        return error_set_errno(error, errno, "can't flush");
    disk->committed = true;
    return 0;
}

static void plain_abort(struct disk *disk)
{
    (void)disk;
}

static void plain_close(struct disk *disk)
{
    close(fd_of(disk));
    free(disk);
}

static const struct disk_operations plain_operations = {
    .describe = plain_describe,
    .read = plain_read,
    .extent = plain_extent,
    .begin = plain_begin,
    .write = plain_write,
    .write_unreferenced = plain_write,
    .zero = plain_zero,
    .zero_unreferenced = plain_zero,
    .forget = plain_zero,
    .set_size = plain_set_size,
    .growth_cost = plain_growth_cost,
    .commit = plain_commit,
    .abort = plain_abort,
    .reclaim = plain_begin,
    .close = plain_close,
};

int plain_disk_open(const char *path, struct disk **ret_disk, struct error *error)
{
    CLEANUP_FREE struct plain_disk *disk = calloc(1, sizeof *disk);
    struct stat facts;

    if (!disk)
        return error_set_no_memory(error);
    disk->fd = open(path, O_RDWR | O_CLOEXEC);
    if (disk->fd < 0)
        return error_set_errno(error, errno, "can't open %s", path);
    if (fstat(disk->fd, &facts)) {
        close(disk->fd);
        return error_set_errno(error, errno, "can't look at %s", path);
    }
    disk->base.operations = &plain_operations;
    disk->base.size = (uint64_t)facts.st_size;
    disk->base.writable = true;
    *ret_disk = &TAKE(disk)->base;
    return 0;
}
