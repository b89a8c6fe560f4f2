/*
 * The steps of expanding and shrinking an image, in the order in which they are taken: open, the
 * filesystem, plan, host space, run. Which sizes there are to be, the caller decides between.
 */
#ifndef VHDTOOL_RESIZING_H
#define VHDTOOL_RESIZING_H

#include "ext4/preflight.h"
#include "image-format/disk.h"
#include "resize/plan.h"
#include "vhdtool/change.h"

struct resizing {
    const struct change_request *request;
    struct change_report *report;
    struct disk *disk;
    struct disk_description description; /* as it was found */
    bool ambiguous; /* there are signs of more than one thing on the disk; see ext4/facts.h */
    bool has_ext4;
    struct ext4 ext4;
    struct resize_plan plan;
    uint64_t new_size; /* of the disk, bytes */
};

/* Zeros are fine. */
void resizing_close(struct resizing *resizing);

/* Opens the disk, for request and report, which are set. Takes ownership of file. new_size is the
 * disk's present size until the caller has another. */
int resizing_open(struct resizing *resizing, struct file *file, struct error *error);

/* Looks at what is on the disk: its name in the report, and ambiguous. */
int resizing_name_contents(struct resizing *resizing, struct error *error);

/* Recovers the filesystem and opens it, or names what is on the disk instead. Once more, it opens
 * the filesystem anew. */
int resizing_open_filesystem(struct resizing *resizing, struct error *error);

/* Forgets the plan, and leaves the disk to others. */
void resizing_close_filesystem(struct resizing *resizing);

/* Plans the filesystem's part, where there is one, in place of an earlier plan. */
int resizing_plan(struct resizing *resizing, const struct resize_request *request,
                  struct error *error);

/* How large the file can get, and whether the host has room for that. */
int resizing_check_host_space(struct resizing *resizing, struct error *error);

/* Nothing is to change: the plan is empty, and the disk has the size. */
bool resizing_is_done(const struct resizing *resizing);

/* Then, copies of the superblock that an earlier change has left stale are written all the same. */
int resizing_renew_copies(struct resizing *resizing, struct error *error);

/* Carries the plan out. */
int resizing_run(struct resizing *resizing, struct error *error);

/* What disk and file came to. */
int resizing_report_file(struct resizing *resizing, struct error *error);

#endif
