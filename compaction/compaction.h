/*
 * Giving back to the host what the filesystem on a disk doesn't use. Which
 * ranges those are is found here (usage.h); how the disk gives them up is its own business
 * (disk_compact). Knows no format, and of filesystems what usage.h asks of them.
 *
 * The order: journal recovery, a commit of its own; all checks; with deep, the filesystem is
 * packed; then the ranges are given up, and the file is packed and cut off. Each commit on the way
 * leaves a valid image with the same files, and running it again goes on from there.
 */
#ifndef COMPACTION_COMPACTION_H
#define COMPACTION_COMPACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct disk;
struct progress;

struct compaction_request {
    bool deep;    /* packs the filesystem first */
    bool zeros;   /* looks for zeros also where a filesystem has its data */
    bool dry_run; /* the disk lies on an overlay: what has to be changed to look is changed there */
    bool force;   /* as ext4_open_checked */
    uint32_t now; /* seconds since 1970 */
    bool (*interrupted)(void);                    /* asked before each commit; NULL: never */
    void (*say)(const char *what, void *context); /* what is being done; may be NULL */
    void *say_context;
    struct progress *progress; /* may be NULL */
};

struct compaction_report {
    uint64_t file_size;       /* bytes: afterwards; with dry_run, what it would be */
    uint64_t given_back;      /* bytes of the host's storage, from before to after */
    bool exact;               /* so many. Else, with dry_run, about as many: where blocks of the
                                 disk lie in the file when they have moved shows only then */
    uint64_t moved;           /* bytes that were copied within the file */
    uint64_t filesystem_size; /* bytes; 0: no ext2, ext3 or ext4 */
    char contents[64];        /* what is on the disk instead ("xfs"); may be empty. Then zeros
                                 alone are given back */
    bool begun;               /* something was written */
    bool changed;             /* a commit is durable, also when compacting failed after it */
    bool uncertain;           /* the last commit is durable, or it is not there at all */
};

/* Of a disk that is open for changing (with dry_run: on an overlay), outside of a transaction.
 * ERROR_CORRUPT and ERROR_REFUSED with the remedy, before anything but the recovery is written, for
 * a filesystem with errors; ERROR_UNSUPPORTED for a disk that can't be compacted;
 * ERROR_INTERRUPTED after a signal. *ret_report is filled in as far as it came, also on failure. */
int compaction_run(struct disk *disk, const struct compaction_request *request,
                   struct compaction_report *ret_report, struct error *error);

/* What compaction_run without options gives back, for a look at a disk that is open for reading on
 * an overlay: without its walk over the inodes, and without reading data. *ret_known is false where
 * that alone would tell (no known filesystem, or data behind it). Errors as compaction_run, but for
 * what only the walk finds. */
int compaction_foresee(struct disk *disk, bool *ret_known, uint64_t *ret_given_back,
                       struct error *error);

#endif
