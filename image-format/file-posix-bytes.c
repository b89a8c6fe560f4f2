/*
 * The bytes of an open file, and where it has none.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <unistd.h>

#include "base/checked.h"
#include "image-format/file-posix-internal.h"

/* What lies behind stays known, since holes are made in ascending order. The byte behind counts,
 * too: a hole there may end. */
void posix_forget_data(struct posix_file *posix, uint64_t from, uint64_t to)
{
    if (to >= posix->data_to)
        posix->data_from = posix->data_to = 0;
    else if (from < posix->data_to)
        posix->data_from = max_u64(posix->data_from, to);
}

int posix_read(struct file *file, uint64_t offset, void *buffer, size_t size, struct error *error)
{
    uint8_t *to = buffer;

    while (size > 0) {
        ssize_t done = pread(posix_of(file)->descriptor, to, size, (off_t)offset);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return error_set_errno(error, errno, "cannot read at byte %" PRIu64, offset);
        if (done == 0)
            return error_set(error, ERROR_SYSTEM,
                             "the file became shorter while it was read (byte %" PRIu64 ")",
                             offset);
        to += done;
        offset += (uint64_t)done;
        size -= (size_t)done;
    }
    return 0;
}

int posix_write(struct file *file, uint64_t offset, const void *buffer, size_t size,
                struct error *error)
{
    const uint8_t *from = buffer;

    if (offset + size > posix_of(file)->data_to)
        posix_forget_data(posix_of(file), offset, offset + size);
    while (size > 0) {
        ssize_t done = pwrite(posix_of(file)->descriptor, from, size, (off_t)offset);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return error_set_errno(error, errno, "cannot write at byte %" PRIu64, offset);
        from += done;
        offset += (uint64_t)done;
        size -= (size_t)done;
    }
    return 0;
}

int posix_flush(struct file *file, struct error *error)
{
    /* fdatasync writes a changed size too: it is needed to read the data back. */
    if (fdatasync(posix_of(file)->descriptor))
        return error_set_errno(error, errno, "cannot flush");
    return 0;
}

static bool is_known_data(const struct posix_file *posix, uint64_t offset)
{
    return offset >= posix->data_from && offset < posix->data_to;
}

int posix_next_data(struct file *file, uint64_t offset, uint64_t *ret_offset, struct error *error)
{
    off_t found;

    *ret_offset = offset;
    if (is_known_data(posix_of(file), offset) ||
        posix_of(file)->is_device) /* it seeks as if it had no data behind the offset 0 */
        return 0;
    found = lseek(posix_of(file)->descriptor, (off_t)offset, SEEK_DATA);
    if (found < 0 && errno == ENXIO)
        return posix_get_size(file, ret_offset, error);
    if (found >= 0)
        *ret_offset = (uint64_t)found;
    return 0;
}

int posix_next_hole(struct file *file, uint64_t offset, uint64_t *ret_offset, struct error *error)
{
    struct posix_file *posix = posix_of(file);
    off_t found = -1;

    *ret_offset = posix->data_to;
    if (is_known_data(posix, offset))
        return 0;
    if (!posix->is_device)
        found = lseek(posix->descriptor, (off_t)offset, SEEK_HOLE);
    if (found < 0) /* beyond the end, or a system that knows no holes */
        return posix_get_size(file, ret_offset, error);
    *ret_offset = (uint64_t)found;
    if (posix->is_ours) {
        posix->data_from = offset;
        posix->data_to = (uint64_t)found;
    }
    return 0;
}

/* Whole blocks are left to the system where it knows how: it may keep the space allocated (first
 * choice) or give it up. What it can't do is written. */
int posix_zero(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    const uint64_t block = 4096;
    uint64_t end = offset + size;
    uint64_t from = round_up(offset, block), to = round_down(end, block);
    int descriptor = posix_of(file)->descriptor;

    posix_forget_data(posix_of(file), offset, offset + size);
    if (from >= to ||
        (fallocate(descriptor, FALLOC_FL_ZERO_RANGE, (off_t)from, (off_t)(to - from)) &&
         fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
                   (off_t)(to - from))))
        return file_write_zeros(file, offset, size, error);
    return file_write_zeros(file, offset, from - offset, error) ||
                   file_write_zeros(file, to, end - to, error)
               ? -1
               : 0;
}

/* A device is left alone: what discarding does to its bytes is its own affair. */
int posix_punch(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    int result;

    posix_forget_data(posix_of(file), offset, offset + size);
    if (posix_of(file)->is_device)
        return error_set(error, ERROR_UNSUPPORTED, "a device can't have holes");
    do
        result = fallocate(posix_of(file)->descriptor, mode, (off_t)offset, (off_t)size);
    while (result && errno == EINTR);
    if (result == 0)
        return 0;
    if (errno == EOPNOTSUPP || errno == ENOSYS)
        return error_set(error, ERROR_UNSUPPORTED,
                         "the filesystem that it lies on can't make holes in a file");
    return error_set_errno(error, errno, "cannot make a hole at byte %" PRIu64, offset);
}
