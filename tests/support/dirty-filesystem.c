#define _GNU_SOURCE
#include "tests/support/dirty-filesystem.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/host.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/tree-digest.h"

#define CANNOT 77

static const char *tests_folder(void)
{
    const char *folder = getenv("TESTS");

    return folder ? folder : "tests";
}

int host_shell(const char *command, const char *first, const char *second, struct error *error)
{
    const char *const arguments[] = {"bash", "-c", command, "bash", first, second, NULL};
    char *output;
    int status;

    if (host_run(arguments, &status, &output, error))
        return -1;
    if (status != 0)
        error_set(error, ERROR_SYSTEM, "status %d of: %s: %s", status, command, output);
    free(output);
    return status == 0 ? 0 : -1;
}

/* Runs a maker of tests/support, whose first word is the image's path. */
static char *make(const char *maker, const char *size, const char *mkfs_options,
                  const char *mount_options, const char *work, struct error *error)
{
    char *path = host_temporary_file(NULL, error), *command, *output = NULL;
    const char *arguments[] = {"bash", "-c",         NULL,          "bash", path,
                               size,   mkfs_options, mount_options, NULL};
    int status = -1;

    *error = (struct error){0};
    if (!path)
        return NULL;
    if (asprintf(&command, "'%s/support/%s' \"$@\" %s", tests_folder(), maker, work) < 0)
        abort();
    arguments[2] = command;
    if (host_run(arguments, &status, &output, error) == 0 && status != 0 && status != CANNOT)
        error_set(error, ERROR_SYSTEM, "status %d: %s", status, output);
    free(command);
    free(output);
    if (status == 0)
        return path;
    filesystem_remove(path);
    return NULL;
}

char *dirty_filesystem(const char *size, const char *mkfs_options, const char *mount_options,
                       const char *work, struct error *error)
{
    return make("dirty-filesystem.sh", size, mkfs_options, mount_options, work, error);
}

char *orphaned_filesystem(const char *size, const char *mkfs_options, const char *kind,
                          struct error *error)
{
    return make("orphaned-filesystem.sh", size, mkfs_options, kind, "", error);
}

char *filesystem_copy(const char *path, struct error *error)
{
    char *copy = host_temporary_file(NULL, error);

    if (copy && host_shell("cp --sparse=always \"$1\" \"$2\"", path, copy, error)) {
        filesystem_remove(copy);
        return NULL;
    }
    return copy;
}

int kernel_recovers(const char *path, struct error *error)
{
    return host_shell("d=$(mktemp -d) && mount -o loop \"$1\" \"$d\" && umount \"$d\"; s=$?; "
                      "rmdir \"$d\"; exit $s",
                      path, "", error);
}

int e2fsck_recovers(const char *path, struct error *error)
{
    return host_shell("e2fsck -fy -E no_optimize_extents \"$1\"; [ $? -le 1 ]", path, "", error);
}

static const char silent[] =
    "e2fsck -fn -E no_optimize_extents \"$1\" >/dev/shm/log.$$ 2>&1 && ! grep -q '? no$' "
    "/dev/shm/log.$$; s=$?; cat /dev/shm/log.$$; rm /dev/shm/log.$$; exit $s";

/* Unused inodes of a group are known once its table is written to, and needn't be told. */
static const char same_numbers[] =
    "show() { dumpe2fs \"$1\" 2>/dev/null | sed -E '/time|Lifetime|[Cc]hecksum|csum|ount count|"
    "Last (mounted|checked)|checks|Journal (features|sequence)|Orphan file/d; "
    "s/, [0-9]+ unused inodes//; s/\\[[A-Z_, ]*\\]//'; }; diff <(show \"$1\") <(show \"$2\")";

int e2fsck_is_silent(const char *path, struct error *error)
{
    return host_shell(silent, path, "", error);
}

int same_filesystem(const char *a, const char *b, struct error *error)
{
    struct digest first, second;

    if (e2fsck_is_silent(a, error) || host_shell(same_numbers, a, b, error) ||
        tree_digest(a, &first, error) || tree_digest(b, &second, error))
        return -1;
    return digest_equal(first, second) ? 0
                                       : error_set(error, ERROR_CORRUPT, "the trees are different");
}
