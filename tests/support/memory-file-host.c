/* Memory files to and from files of the host. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "image-format/file.h"
#include "tests/support/memory-file.h"

static int load_range(struct file *file, int descriptor, off_t from, off_t to, const char *path,
                      struct error *error)
{
    uint8_t buffer[MEMORY_FILE_PAGE_SIZE];

    while (from < to) {
        ssize_t got =
            pread(descriptor, buffer, (size_t)min_u64(sizeof buffer, (uint64_t)(to - from)), from);

        if (got < 0)
            return error_set_errno(error, errno, "cannot read %s", path);
        if (got == 0)
            break;
        if (file_write(file, (uint64_t)from, buffer, (size_t)got, error))
            return -1;
        from += got;
    }
    return 0;
}

static int load_data(struct file *file, int descriptor, const char *path, struct error *error)
{
    off_t data = 0, hole;

    while ((data = lseek(descriptor, data, SEEK_DATA)) >= 0) {
        hole = lseek(descriptor, data, SEEK_HOLE);
        if (hole < 0)
            return error_set_errno(error, errno, "cannot read %s", path);
        if (load_range(file, descriptor, data, hole, path, error))
            return -1;
        data = hole;
    }
    return errno == ENXIO ? 0 : error_set_errno(error, errno, "cannot read %s", path);
}

struct file *memory_file_load(const char *path, struct error *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    struct file *file = NULL;
    struct stat facts;

    if (descriptor < 0 || fstat(descriptor, &facts)) {
        error_set_errno(error, errno, "cannot open %s", path);
    } else {
        file = memory_file_new((uint64_t)facts.st_size);
        if (load_data(file, descriptor, path, error)) {
            file_close(file);
            file = NULL;
        }
    }
    if (descriptor >= 0)
        close(descriptor);
    return file;
}

/* Reading only: the files' functions want a file that isn't const. */
static int store_data(struct file *file, int descriptor, const char *path, struct error *error)
{
    uint8_t buffer[MEMORY_FILE_PAGE_SIZE];
    uint64_t size, at = 0;

    if (file_get_size(file, &size, error) || file_next_data(file, 0, &at, error))
        return -1;
    if (ftruncate(descriptor, (off_t)size))
        return error_set_errno(error, errno, "cannot size %s", path);
    while (at < size) {
        size_t piece = (size_t)min_u64(sizeof buffer, size - at);

        if (file_read(file, at, buffer, piece, error))
            return -1;
        if (!bytes_are_zero(buffer, piece) &&
            pwrite(descriptor, buffer, piece, (off_t)at) != (ssize_t)piece)
            return error_set_errno(error, errno, "cannot write %s", path);
        if (file_next_data(file, at + piece, &at, error))
            return -1;
    }
    return 0;
}

int memory_file_store(const struct file *file, const char *path, struct error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct file *copy;
    int result;

    if (descriptor < 0)
        return error_set_errno(error, errno, "cannot create %s", path);
    copy = memory_file_snapshot(file);
    result = store_data(copy, descriptor, path, error);
    file_close(copy);
    if (close(descriptor) && !result)
        result = error_set_errno(error, errno, "cannot write %s", path);
    return result;
}
