/*
 * Compacting an image, which gives back to the host what the filesystem on the disk doesn't use.
 * All of the command but its words.
 */
#ifndef VHDTOOL_COMPACT_H
#define VHDTOOL_COMPACT_H

#include "vhdtool/change.h"

struct disk;

struct compact_request {
    struct change_request change; /* without a size */
    bool deep;                    /* packs the filesystem first */
    bool zeros;                   /* looks for zeros in files, too */
    bool punch;                   /* raw images: what isn't used becomes holes in the file */
};

struct compact_report {
    struct change_report change; /* with dry_run: bytes_written is what moves within the file */
    uint64_t given_back;         /* bytes of the host's storage */
};

/* Takes ownership of file, which is open for writing (for reading with dry_run). On failure, begun,
 * changed and uncertain of *ret_report tell the image's state; it is valid. ERROR_REFUSED where the
 * format and punch don't go together. */
int compact_image(struct file *file, const struct compact_request *request,
                  struct compact_report *ret_report, struct error *error);

/* The same for a disk that is open as change_open has it, and of which the report has told
 * the sizes before. Formats and punch aren't looked at. */
int compact_disk(struct disk *disk, const struct compact_request *request,
                 struct compact_report *report, struct error *error);

#endif
