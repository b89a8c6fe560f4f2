/*
 * What the commands that change an image in place have in common: what they are asked for, how
 * they open it, and what they report. Their words are in change-words.h.
 */
#ifndef VHDTOOL_CHANGE_H
#define VHDTOOL_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct disk;
struct file;
struct progress;

struct change_request {
    const char *size; /* as written, relative to the disk's present size with + or -; NULL: none */
    bool force, dry_run;
    uint32_t now;                                 /* seconds since 1970, for the superblock */
    bool (*interrupted)(void);                    /* asked before each commit; NULL: never */
    void (*say)(const char *what, void *context); /* what is being done; may be NULL */
    void *say_context;
    struct progress *progress; /* may be NULL */
};

struct image_sizes {
    uint64_t virtual_size, file_size; /* bytes */
    uint64_t filesystem_size;         /* bytes; 0: no ext2, ext3 or ext4 */
};

struct change_report {
    struct image_sizes before, after; /* with dry_run: after is what the plan comes to */
    bool exact;                       /* false: after.file_size is the largest that it can be */
    uint64_t bytes_written;           /* to the file; with dry_run: by the filesystem */
    bool disk_only;                   /* there is no ext2, ext3 or ext4 on the disk */
    char contents[64]; /* what is there instead ("xfs", "gpt partition table"), or empty */
    bool begun;        /* the file was written to, if only its headers */
    bool moved;        /* blocks moved within the disk, and that is durable */
    bool changed;      /* what was asked for is durable, also when something failed after it */
    bool uncertain;    /* the last commit is durable, or it is not there at all */
};

/* Locks the file and opens the disk in it, and finishes a change that was interrupted: whatever
 * becomes of this one, the file is whole then. With dry_run it is opened on an overlay, so that
 * what has to be changed to look behind a journal stays in memory. The report gets begun. Takes
 * ownership of file, also on failure: NULL sets error. */
struct disk *change_open(const struct change_request *request, struct file *file,
                         struct change_report *report, struct error *error);

void change_say(const struct change_request *request, const char *what);

#endif
