/*
 * What is special about block devices, and what stands on files.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
