#include "image-format/file.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"

/* One piece of a long copy or of a long run of zeros. */
#define PIECE_SIZE (1 * MIB)

int file_read(struct file *file, uint64_t offset, void *buffer, size_t size, struct error *error)
{
    uint64_t file_size;

    if (size == 0)
        return 0;
    if (file_get_size(file, &file_size, error))
        return -1;
    if (!range_fits(offset, size, file_size))
        return error_set(error, ERROR_CORRUPT,
                         "the file ends at byte %" PRIu64 " (%zu bytes expected at byte %" PRIu64
                         ")",
                         file_size, size, offset);
    return file->operations->read(file, offset, buffer, size, error);
}

int file_write(struct file *file, uint64_t offset, const void *buffer, size_t size,
               struct error *error)
{
    if (!file->writable)
        return error_set(error, ERROR_SYSTEM, "the file is open for reading only");
    if (!range_fits(offset, size, INT64_MAX))
        return error_set(error, ERROR_SYSTEM, "byte %" PRIu64 " lies beyond what a file can hold",
                         offset);
    return size == 0 ? 0 : file->operations->write(file, offset, buffer, size, error);
}

int file_get_size(struct file *file, uint64_t *ret_size, struct error *error)
{
    return file->operations->get_size(file, ret_size, error);
}

int file_set_size(struct file *file, uint64_t size, struct error *error)
{
    if (!file->writable)
        return error_set(error, ERROR_SYSTEM, "the file is open for reading only");
    return file->operations->set_size(file, size, error);
}

int file_flush(struct file *file, struct error *error)
{
    return file->operations->flush(file, error);
}

int file_lock(struct file *file, struct error *error)
{
    return file->operations->lock(file, error);
}

int file_next_data(struct file *file, uint64_t offset, uint64_t *ret_offset, struct error *error)
{
    if (file->operations->next_data)
        return file->operations->next_data(file, offset, ret_offset, error);
    *ret_offset = offset;
    return 0;
}

int file_next_hole(struct file *file, uint64_t offset, uint64_t *ret_offset, struct error *error)
{
    return file->operations->next_hole
               ? file->operations->next_hole(file, offset, ret_offset, error)
               : file_get_size(file, ret_offset, error);
}

int file_host_facts(struct file *file, struct file_host_facts *ret_facts, struct error *error)
{
    return file->operations->host_facts(file, ret_facts, error);
}

int file_open_side(struct file *file, bool create, struct file **ret_side, struct error *error)
{
    if (create && !file->writable)
        return error_set(error, ERROR_SYSTEM, "the file is open for reading only");
    if (file->operations->open_side)
        return file->operations->open_side(file, create, ret_side, error);
    if (create)
        return error_set(error, ERROR_UNSUPPORTED, "there is no place for a journal beside it");
    *ret_side = NULL;
    return 0;
}

int file_remove_side(struct file *file, struct error *error)
{
    if (!file->writable)
        return error_set(error, ERROR_SYSTEM, "the file is open for reading only");
    if (!file->operations->remove_side)
        return error_set(error, ERROR_SYSTEM, "there is no journal beside it");
    return file->operations->remove_side(file, error);
}

static int check_zeroing(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    uint64_t file_size;

    if (!file->writable)
        return error_set(error, ERROR_SYSTEM, "the file is open for reading only");
    if (file_get_size(file, &file_size, error))
        return -1;
    if (!range_fits(offset, size, file_size))
        return error_set(error, ERROR_SYSTEM,
                         "the file ends at byte %" PRIu64 " (%" PRIu64
                         " bytes to be zeroed at byte %" PRIu64 ")",
                         file_size, size, offset);
    return 0;
}

int file_zero(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    if (check_zeroing(file, offset, size, error))
        return -1;
    if (size == 0)
        return 0;
    return file->operations->zero ? file->operations->zero(file, offset, size, error)
                                  : file_write_zeros(file, offset, size, error);
}

int file_punch(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    if (check_zeroing(file, offset, size, error))
        return -1;
    if (size == 0)
        return 0;
    if (!file->operations->punch)
        return error_set(error, ERROR_UNSUPPORTED, "it can't have holes");
    return file->operations->punch(file, offset, size, error);
}

int file_write_zeros(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    CLEANUP_FREE void *zeros = calloc(1, (size_t)min_u64(size, PIECE_SIZE) + 1);

    if (!zeros)
        return error_set_no_memory(error);
    while (size > 0) {
        size_t piece = (size_t)min_u64(size, PIECE_SIZE);

        if (file_write(file, offset, zeros, piece, error))
            return -1;
        offset += piece;
        size -= piece;
    }
    return 0;
}

int file_copy_range(struct file *file, uint64_t from, uint64_t to, uint64_t size,
                    struct error *error)
{
    CLEANUP_FREE void *buffer = malloc((size_t)min_u64(size, PIECE_SIZE) + 1);

    if (!buffer)
        return error_set_no_memory(error);
    while (size > 0) {
        size_t piece = (size_t)min_u64(size, PIECE_SIZE);

        if (file_read(file, from, buffer, piece, error) ||
            file_write(file, to, buffer, piece, error))
            return -1;
        from += piece;
        to += piece;
        size -= piece;
    }
    return 0;
}

void file_close(struct file *file)
{
    if (file)
        file->operations->close(file);
}
