/*
 * Side files. That of a file lies beside it. That of a device lies in a folder
 * where everybody may make files: what somebody else put there is no journal of
 * ours, and a link leads nowhere.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image-format/file-posix-internal.h"

#define SUFFIX ".vhdtool-journal"

/* "/dev/mapper/a" becomes "dev-mapper-a". */
static char *device_side_path(char *real)
{
    char *path;

    for (char *p = real + 1; *p; p++)
        if (*p == '/')
            *p = '-';
    return asprintf(&path, POSIX_DEVICE_SIDE_FOLDER "/%s" SUFFIX, real + 1) < 0 ? NULL : path;
}

char *posix_side_path(const char *path, bool is_device, struct error *error)
{
    CLEANUP_FREE char *real = realpath(path, NULL);
    char *side;

    if (!real) {
        error_set_errno(error, errno, "cannot find out where it lies");
        return NULL;
    }
    if (is_device)
        side = device_side_path(real);
    else if (asprintf(&side, "%s" SUFFIX, real) < 0)
        side = NULL;
    if (!side)
        error_set_no_memory(error);
    return side;
}

/* Who may put a journal there: the user, root, and the image's own owner. */
static int check_owner(const struct posix_file *posix, const struct stat *side, struct error *error)
{
    struct stat image;

    if (fstat(posix->descriptor, &image))
        return error_set_errno(error, errno, "cannot find out what it is");
    if (S_ISREG(side->st_mode) &&
        (side->st_uid == 0 || side->st_uid == geteuid() ||
         (!posix->is_device && side->st_uid == image.st_uid)) &&
        (side->st_mode & S_IWOTH & ~image.st_mode) == 0)
        return 0;
    error_set(error, ERROR_REFUSED, "the journal %s may be somebody else's work", posix->side_path);
    return error_set_remedy(error, "see who put it there; without it, the image is as it lies");
}

static int open_existing(const struct posix_file *posix, int *ret_descriptor, struct error *error)
{
    int flags = (posix->file.writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int descriptor = open(posix->side_path, flags);
    struct stat status;

    *ret_descriptor = -1;
    if (descriptor < 0 && errno == ENOENT)
        return 0;
    if (descriptor < 0)
        return error_set_errno(error, errno, "cannot open its journal %s", posix->side_path);
    *ret_descriptor = descriptor;
    if (fstat(descriptor, &status))
        return error_set_errno(error, errno, "cannot look at its journal %s", posix->side_path);
    return check_owner(posix, &status, error);
}

/* By another name of the file, nobody would find the journal. */
static int check_names(const struct stat *image, struct error *error)
{
    if (!S_ISREG(image->st_mode) || image->st_nlink <= 1)
        return 0;
    error_set(error, ERROR_REFUSED,
              "the file has %lu names (hard links; one expected: its journal is found by it)",
              (unsigned long)image->st_nlink);
    return error_set_remedy(error, "copy the file, or remove the other names");
}

static int create_new(const struct posix_file *posix, int *ret_descriptor, struct error *error)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    struct stat image;

    *ret_descriptor = -1;
    if (fstat(posix->descriptor, &image))
        return error_set_errno(error, errno, "cannot find out what it is");
    if (check_names(&image, error))
        return -1;
    *ret_descriptor = open(posix->side_path, flags, 0600);
    if (*ret_descriptor < 0)
        return error_set_errno(error, errno, "cannot create its journal %s", posix->side_path);
    /* Where that fails 0600 stays: stricter than asked. */
    if (!posix->is_device)
        (void)!fchmod(*ret_descriptor, image.st_mode & 0666);
    if (posix_flush_folder(posix->side_path, error) == 0)
        return 0;
    unlink(posix->side_path);
    return -1;
}

int posix_open_side(struct file *file, bool create, struct file **ret_side, struct error *error)
{
    const struct posix_file *posix = posix_of(file);
    struct posix_file *side;
    int descriptor, result;

    *ret_side = NULL;
    if (!posix->side_path)
        return create ? error_set(error, ERROR_UNSUPPORTED, "there is no place for its journal")
                      : 0;
    result =
        create ? create_new(posix, &descriptor, error) : open_existing(posix, &descriptor, error);
    if (result && descriptor >= 0)
        close(descriptor);
    if (result || descriptor < 0)
        return result;
    side = posix_new(posix->side_path, descriptor, file->writable, error);
    if (!side)
        return -1;
    *ret_side = &side->file;
    return 0;
}

int posix_remove_side(struct file *file, struct error *error)
{
    const char *path = posix_of(file)->side_path;

    if (!path)
        return error_set(error, ERROR_SYSTEM, "there is no journal beside it");
    if (unlink(path))
        return error_set_errno(error, errno, "cannot remove its journal %s", path);
    return posix_flush_folder(path, error);
}
