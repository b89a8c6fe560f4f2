/*
 * One run of the program: what it was asked for, what it has open, and what it
 * has decided.
 *
 * The order: lock, finish what was interrupted, open, recover, checks, size, plan, host space; then
 * the commits of resize/run.h; then the space that became free goes back to the host. Finishing
 * and recovering are commits of their own; with --dry-run and -P everything stays in memory.
 */
#ifndef EXT4RESIZE_JOB_H
#define EXT4RESIZE_JOB_H

#include "ext4/preflight.h"
#include "image-format/disk.h"
#include "resize/run.h"

struct options;
struct file;

struct job {
    const struct options *options;
    bool changes;      /* it may write */
    uint32_t now;      /* seconds since 1970 */
    struct file *undo; /* ext4resize/undo-file.h, beneath the disk, which owns it; NULL: none */
    char *undo_path;   /* where the undo file is; NULL: none */
    struct disk *disk;
    struct disk_description description;
    bool is_device; /* a block device: its size can't be changed */
    bool is_raw;    /* the file's bytes are the disk's */
    bool has_ext4;
    struct ext4 ext4;
    enum resize_goal goal;
    uint64_t wanted;    /* blocks; of RESIZE_TO_MINIMUM, from the plan */
    uint64_t disk_size; /* bytes, at the end */
    struct resize_plan plan;
    struct resize_state state;
};

/* Opens the device and its filesystem. On failure, job_close all the same. */
int job_open(struct job *job, struct error *error);

/* Zeros are fine. */
void job_close(struct job *job);

/* From the options: goal and wanted. *ret_done: there is nothing to do, which has been said. */
int job_choose_goal(struct job *job, bool *ret_done, struct error *error);

/* The plan, and the disk's size with it. *ret_done as above. */
int job_make_plan(struct job *job, bool *ret_done, struct error *error);

/* Prints the plan on stdout. */
void job_print_plan(const struct job *job);

/* Carries the plan out. */
int job_run(struct job *job, struct error *error);

/* Where there is nothing else to do, copies of the superblock that an earlier run has left stale
 * are written all the same. */
int job_renew_copies(struct job *job, struct error *error);

/* Finishes the undo file where there is one, also after a failure: what was written until then can
 * be undone as well. */
int job_finish_undo(struct job *job, struct error *error);

#endif
