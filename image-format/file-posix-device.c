/*
 * What is special about block devices, and what stands on files; zeroing, and making holes.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/checked.h"
#include "image-format/file-posix-internal.h"

/* By the name that /sys/block has of the file. It leads nowhere where that name was removed and the
 * file has others, or where it is a name in another mount namespace. */
static bool has_backing_name(const char *device, const struct stat *status)
{
    char path[PATH_MAX], backing[PATH_MAX];
    struct stat other;
    FILE *stream;
    char *end;

    snprintf(path, sizeof path, "/sys/block/%s/loop/backing_file", device);
    stream = fopen(path, "re");
    if (!stream)
        return false;
    if (!fgets(backing, sizeof backing, stream))
        backing[0] = '\0';
    fclose(stream);
    end = strchr(backing, '\n');
    if (end)
        *end = '\0';
    return stat(backing, &other) == 0 && other.st_dev == status->st_dev &&
           other.st_ino == status->st_ino;
}

/* By the file itself, which the device tells those who may open it. */
static bool has_backing_file(const char *device, const struct stat *status)
{
    struct loop_info64 info;
    char path[PATH_MAX];
    int descriptor, result;

    snprintf(path, sizeof path, "/dev/%s", device);
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return false;
    result = ioctl(descriptor, LOOP_GET_STATUS64, &info);
    close(descriptor);
    return result == 0 && info.lo_device == status->st_dev && info.lo_inode == status->st_ino;
}

/* Refuses when the loop device named in /sys/block stands on the same file. */
static int check_loop_device(const char *device, const struct stat *status, struct error *error)
{
    if (!has_backing_file(device, status) && !has_backing_name(device, status))
        return 0;
    error_set(error, ERROR_BUSY, "the image is in use: /dev/%s stands on it", device);
    return error_set_remedy(error, "unmount it, then `losetup -d /dev/%s`", device);
}

int posix_check_loop_devices(const struct stat *status, struct error *error)
{
    DIR *folder = opendir("/sys/block");
    const struct dirent *entry;
    int result = 0;

    if (!folder)
        return 0;
    while (result == 0 && (entry = readdir(folder)))
        if (strncmp(entry->d_name, "loop", 4) == 0)
            result = check_loop_device(entry->d_name, status, error);
    closedir(folder);
    return result;
}

int posix_device_size(int descriptor, uint64_t *ret_size, struct error *error)
{
    if (ioctl(descriptor, BLKGETSIZE64, ret_size))
        return error_set_errno(error, errno, "cannot find the device's size");
    return 0;
}

int posix_device_sectors(int descriptor, struct file_host_facts *facts, struct error *error)
{
    int logical;
    unsigned physical;

    if (ioctl(descriptor, BLKSSZGET, &logical) || ioctl(descriptor, BLKPBSZGET, &physical))
        return error_set_errno(error, errno, "cannot find the device's sector size");
    facts->logical_sector_size = (uint32_t)logical;
    facts->physical_sector_size = physical;
    return 0;
}

/* What lies behind stays known, since holes are made in ascending order. The byte behind counts,
 * too: a hole there may end. */
void posix_forget_data(struct posix_file *posix, uint64_t from, uint64_t to)
{
    if (to >= posix->data_to)
        posix->data_from = posix->data_to = 0;
    else if (from < posix->data_to)
        posix->data_from = max_u64(posix->data_from, to);
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
