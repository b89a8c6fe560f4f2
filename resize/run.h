/*
 * Carrying out a plan in commits of the disk, each of which leaves a valid
 * filesystem: first, in the old geometry, inodes get new numbers and blocks move
 * out of the way, in batches; then geometry and disk size change at one instant;
 * then the copies of superblock and descriptors follow. Stopped in between, it goes on when
 * it is planned and run anew. Where neither geometry nor disk size change (pack.h), it ends with
 * the last of the batches.
 */
#ifndef RESIZE_RUN_H
#define RESIZE_RUN_H

#include "base/progress.h"
#include "resize/plan.h"

struct resize_run {
    uint64_t disk_size;        /* bytes: the disk's size at the end; at least the plan's size */
    uint32_t now;              /* seconds since 1970, for the superblock */
    uint64_t batch_bytes;      /* of blocks that move, after which a commit comes; 0: 256 MiB */
    bool (*interrupted)(void); /* asked before each commit; NULL: never */
    void (*say)(const char *what, void *context); /* what is being done; may be NULL */
    void *say_context;
    struct progress *progress; /* of the bytes of blocks that move; may be NULL */
};

/* What holds of the image after resize_run, also after it failed. */
struct resize_state {
    bool begun;     /* something was written */
    bool moved;     /* a commit that moved blocks or inodes in the old geometry is durable */
    bool changed;   /* the commit of the new size is durable */
    bool uncertain; /* the last commit is durable, or it is not there at all */
};

/* Outside of a transaction of the disk. ext4: the filesystem on it, or NULL with an empty plan: the
 * disk's size alone changes. ERROR_INTERRUPTED after a signal. Afterwards, also after a failure,
 * ext4 can only be released. */
int resize_run(struct disk *disk, struct ext4 *ext4, const struct resize_plan *plan,
               const struct resize_run *run, struct resize_state *ret_state, struct error *error);

#endif
