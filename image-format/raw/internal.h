/*
 * A raw disk that is open: what the units of this folder share.
 */
#ifndef IMAGE_FORMAT_RAW_INTERNAL_H
#define IMAGE_FORMAT_RAW_INTERNAL_H

#include "image-format/disk.h"

struct file;
struct journal;

struct raw {
    struct disk disk; /* first */
    struct file *file;
    struct journal *journal;
};

static inline struct raw *raw_of(struct disk *disk)
{
    return (struct raw *)disk;
}

/* raw.c: what was interrupted is finished first. */
int raw_begin(struct disk *disk, struct error *error);

/* compaction.c */
int raw_plan_compaction(struct disk *disk, const struct disk_unused *unused, size_t count,
                        struct disk_compaction **ret_compaction, struct error *error);
int raw_compact(struct disk *disk, const struct disk_compaction *compaction,
                const struct disk_watch *watch, struct error *error);

#endif
