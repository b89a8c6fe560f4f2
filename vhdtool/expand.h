/*
 * Expanding an image: the disk and the filesystem on it, in one commit. All of
 * the command but its words.
 *
 * The order: lock, open, checks, plan, host space; then the transaction with
 * the disk's new size and the filesystem's new shape; then, in transactions of
 * their own, the copies of superblock and descriptors, and the space that the
 * first one freed. A power cut after the first leaves the new image, whole.
 */
#ifndef VHDTOOL_EXPAND_H
#define VHDTOOL_EXPAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct file;

struct expand_request {
    const char *size; /* as written, relative to the disk's present size with + or -; NULL: the
                         filesystem grows to the disk's */
    bool force, dry_run;
    uint32_t now;                                 /* seconds since 1970, for the superblock */
    bool (*interrupted)(void);                    /* asked before the commit; NULL: never */
    void (*say)(const char *what, void *context); /* what is being done; may be NULL */
    void *say_context;
};

struct expand_sizes {
    uint64_t virtual_size, file_size; /* bytes */
    uint64_t filesystem_size;         /* bytes; 0: no ext2, ext3 or ext4 */
};

struct expand_report {
    struct expand_sizes before, after; /* with dry_run: after is what the plan comes to, and its
                                          file_size the largest that it can be */
    uint64_t bytes_written;            /* to the file; with dry_run: by the filesystem */
    bool disk_only;                    /* nothing on the disk grew with it */
    char contents[64]; /* what is there instead ("xfs", "gpt partition table"), or empty */
    bool begun;        /* the file was written to, if only its headers */
    bool changed;      /* a commit is durable, also when expanding failed after it */
    bool uncertain;    /* the commit is durable, or it is not there at all */
};

/* Takes ownership of file, which is open for writing (for reading with dry_run). On failure,
 * begun, changed and uncertain of *ret_report tell the image's state; it is valid. */
int expand_image(struct file *file, const struct expand_request *request,
                 struct expand_report *ret_report, struct error *error);

#endif
