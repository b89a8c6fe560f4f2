#define _GNU_SOURCE
#include "image-format/file-posix.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "image-format/file-posix-internal.h"
#include "image-format/file.h"

static const char in_use_remedy[] =
    "close the program that uses it; `wsl --shutdown` releases the disks of WSL";

int posix_get_size(struct file *file, uint64_t *ret_size, struct error *error)
{
    struct stat status;

    if (posix_of(file)->is_device)
        return posix_device_size(posix_of(file)->descriptor, ret_size, error);
    if (fstat(posix_of(file)->descriptor, &status))
        return error_set_errno(error, errno, "cannot find the file's size");
    *ret_size = (uint64_t)status.st_size;
    return 0;
}

static int check_device_size(struct file *file, uint64_t size, struct error *error)
{
    uint64_t present;

    if (posix_get_size(file, &present, error))
        return -1;
    if (size == present)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "a device can't get the size %" PRIu64 " (it has %" PRIu64 " bytes)", size,
                     present);
}

static int posix_set_size(struct file *file, uint64_t size, struct error *error)
{
    if (posix_of(file)->is_device)
        return check_device_size(file, size, error);
    posix_forget_data(posix_of(file), 0, UINT64_MAX);
    if (size > INT64_MAX || ftruncate(posix_of(file)->descriptor, (off_t)size))
        return error_set_errno(error, size > INT64_MAX ? EFBIG : errno,
                               "cannot set the file's size to %" PRIu64 " bytes", size);
    return 0;
}

/* One lock that belongs to the open file: exclusive for writers, shared for readers. QEMU locks
 * single bytes of its images in the same way (block/file-posix.c), so a running one is noticed. */
static int posix_lock(struct file *file, struct error *error)
{
    struct flock lock = {.l_type = file->writable ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};

    if (fcntl(posix_of(file)->descriptor, F_OFD_SETLK, &lock) == 0) {
        posix_of(file)->is_ours = file->writable;
        return 0;
    }
    if (errno != EAGAIN && errno != EACCES)
        return 0; /* a filesystem without locks */
    error_set(error, ERROR_BUSY, "the image is in use: another program has locked it");
    return error_set_remedy(error, "%s", in_use_remedy);
}

static int posix_host_facts(struct file *file, struct file_host_facts *ret_facts,
                            struct error *error)
{
    const struct posix_file *posix = posix_of(file);
    struct file_host_facts facts = {.is_device = posix->is_device};
    struct stat status;
    struct statvfs filesystem;

    if (fstat(posix->descriptor, &status) ||
        (posix->is_device ? statvfs(POSIX_DEVICE_SIDE_FOLDER, &filesystem)
                          : fstatvfs(posix->descriptor, &filesystem)))
        return error_set_errno(error, errno, "cannot ask the host about the file");
    facts.allocated_size = (uint64_t)status.st_blocks * 512;
    facts.free_space = (uint64_t)filesystem.f_bavail * filesystem.f_frsize;
    if (posix->is_device && (posix_device_sectors(posix->descriptor, &facts, error) ||
                             posix_device_size(posix->descriptor, &facts.allocated_size, error)))
        return -1;
    *ret_facts = facts;
    return 0;
}

void posix_close(struct file *file)
{
    struct posix_file *posix = posix_of(file);

    if (posix->descriptor >= 0)
        close(posix->descriptor);
    if (posix->temporary)
        unlink(posix->temporary);
    free(posix->temporary);
    free(posix->side_path);
    free(file->name);
    free(posix);
}

static const struct file_operations posix_operations = {
    .read = posix_read,
    .write = posix_write,
    .get_size = posix_get_size,
    .set_size = posix_set_size,
    .flush = posix_flush,
    .lock = posix_lock,
    .next_data = posix_next_data,
    .next_hole = posix_next_hole,
    .zero = posix_zero,
    .punch = posix_punch,
    .open_side = posix_open_side,
    .remove_side = posix_remove_side,
    .host_facts = posix_host_facts,
    .close = posix_close,
};

struct posix_file *posix_new(const char *name, int descriptor, bool writable, struct error *error)
{
    struct posix_file *posix = calloc(1, sizeof *posix);

    if (posix) {
        posix->file.operations = &posix_operations;
        posix->file.writable = writable;
        posix->file.name = strdup(name);
        posix->descriptor = descriptor;
    }
    if (!posix || !posix->file.name) {
        if (posix)
            posix_close(&posix->file);
        else
            close(descriptor);
        error_set_no_memory(error);
        return NULL;
    }
    return posix;
}

/* Opens path. A device that is to be written is opened for this program alone, which the system
 * refuses while it is mounted or part of something else. */
static int open_descriptor(const char *path, bool writable, struct error *error)
{
    int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK;
    struct stat status;
    int descriptor, reason;

    if (writable && stat(path, &status) == 0 && S_ISBLK(status.st_mode))
        flags |= O_EXCL;
    descriptor = open(path, flags);
    reason = errno;
    if (descriptor >= 0)
        return descriptor;
    if (reason == EBUSY && flags & O_EXCL) {
        error_set(error, ERROR_BUSY,
                  "the device %s is in use: it is mounted, or part of another device", path);
        error_set_remedy(error, "unmount it; `lsblk %s` says what stands on it", path);
        return -1;
    }
    error_set_errno(error, reason, "cannot open it%s", writable ? " for writing" : "");
    if (writable && (reason == EACCES || reason == EBUSY || reason == EIO || reason == ETXTBSY))
        error_set_remedy(error, "%s", in_use_remedy);
    return -1;
}

struct file *file_posix_open(const char *path, bool writable, struct error *error)
{
    int descriptor = open_descriptor(path, writable, error);
    CLEANUP(cleanup_file) struct file *file = NULL;
    struct posix_file *posix;
    struct stat status;

    if (descriptor < 0)
        return NULL;
    posix = posix_new(path, descriptor, writable, error);
    if (!posix)
        return NULL;
    file = &posix->file;
    if (fstat(descriptor, &status)) {
        error_set_errno(error, errno, "cannot find out what it is");
        return NULL;
    }
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
        error_set(error, ERROR_UNSUPPORTED, "it is no regular file and no block device");
        return NULL;
    }
    posix->is_device = S_ISBLK(status.st_mode);
    posix->side_path = posix_side_path(path, posix->is_device, error);
    if (!posix->side_path)
        return NULL;
    if (writable && !posix->is_device && posix_check_loop_devices(&status, error))
        return NULL;
    return TAKE(file);
}

int file_posix_check_free(const char *path, struct error *error)
{
    struct stat status;

    if (lstat(path, &status) == 0)
        return error_set(error, ERROR_REFUSED,
                         "it exists already (a name that is free was expected)");
    return 0;
}

struct file *file_posix_create(const char *path, struct error *error)
{
    CLEANUP_FREE char *temporary = NULL;
    struct posix_file *posix;
    mode_t mask;
    int descriptor;

    if (file_posix_check_free(path, error))
        return NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        temporary = NULL;
        error_set_no_memory(error);
        return NULL;
    }
    descriptor = mkostemp(temporary, O_CLOEXEC);
    if (descriptor < 0) {
        error_set_errno(error, errno, "cannot create it");
        return NULL;
    }
    mask = umask(0);
    umask(mask);
    /* Where that fails mkostemp's 0600 stays: stricter than asked. */
    (void)!fchmod(descriptor, 0666 & ~mask);
    posix = posix_new(path, descriptor, true, error);
    if (!posix) {
        unlink(temporary);
        return NULL;
    }
    posix->temporary = TAKE(temporary);
    return &posix->file;
}

int posix_flush_folder(const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    CLEANUP_FREE char *folder =
        !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    int descriptor, result;

    if (!folder)
        return error_set_no_memory(error);
    descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return error_set_errno(error, errno, "cannot open the folder %s", folder);
    result = fsync(descriptor);
    if (result && errno != EINVAL) /* a filesystem that can't flush a folder */
        error_set_errno(error, errno, "cannot flush the folder %s", folder);
    else
        result = 0;
    close(descriptor);
    return result;
}

bool file_posix_is_published(const struct file *file)
{
    return !((const struct posix_file *)file)->temporary;
}

int file_posix_publish(struct file *file, struct error *error)
{
    struct posix_file *posix = posix_of(file);

    if (posix_flush(file, error))
        return -1;
    if (renameat2(AT_FDCWD, posix->temporary, AT_FDCWD, file->name, RENAME_NOREPLACE)) {
        if (errno != EINVAL && errno != ENOSYS)
            return error_set_errno(error, errno, "cannot give the new file its name");
        /* a filesystem that can't rename without replacing */
        if (link(posix->temporary, file->name))
            return error_set_errno(error, errno, "cannot give the new file its name");
        unlink(posix->temporary);
    }
    free(TAKE(posix->temporary));
    return posix_flush_folder(file->name, error);
}

struct file *file_posix_scratch(uint64_t size, int *ret_descriptor, struct error *error)
{
    int descriptor = memfd_create("vhdtool-scratch", MFD_CLOEXEC);
    struct posix_file *posix;

    if (descriptor < 0) {
        error_set_errno(error, errno, "cannot make a file in memory");
        return NULL;
    }
    posix = posix_new("scratch", descriptor, true, error);
    if (!posix)
        return NULL;
    if (posix_set_size(&posix->file, size, error)) {
        posix_close(&posix->file);
        return NULL;
    }
    *ret_descriptor = descriptor;
    return &posix->file;
}
