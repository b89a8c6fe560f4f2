/*
 * Filesystems as a machine leaves them that is cut off, made by the kernel; and what
 * others make of them.
 */
#ifndef TESTS_SUPPORT_DIRTY_FILESYSTEM_H
#define TESTS_SUPPORT_DIRTY_FILESYSTEM_H

#include "base/error.h"

/* Runs dirty-filesystem.sh, whose words these are. Returns the path of a raw image in a folder of
 * memory, the caller's to remove with filesystem_remove. NULL: *error is set where it failed, and
 * has no kind where the host can't (root and loop mounts are needed). */
char *dirty_filesystem(const char *size, const char *mkfs_options, const char *mount_options,
                       const char *work, struct error *error);

/* Likewise with orphaned-filesystem.sh, which needs neither root nor mounts. */
char *orphaned_filesystem(const char *size, const char *mkfs_options, const char *kind,
                          struct error *error);

/* A copy of an image, likewise. */
char *filesystem_copy(const char *path, struct error *error);

/* Runs a shell command with $1 and $2; 0 when its status is 0, else -1 with what it printed. */
int host_shell(const char *command, const char *first, const char *second, struct error *error);

/* The kernel mounts the image and unmounts it. */
int kernel_recovers(const char *path, struct error *error);

/* e2fsck makes it whole. */
int e2fsck_recovers(const char *path, struct error *error);

/* e2fsck finds nothing, wrong counts included. */
int e2fsck_is_silent(const char *path, struct error *error);

/* e2fsck finds nothing in a, and it is as b: the same tree, the same superblock but for times,
 * and the same groups. */
int same_filesystem(const char *a, const char *b, struct error *error);

#endif
