/*
 * A disk for a reader that trusts what it reads: libext2fs 1.47.0 follows a
 * null pointer where it can't read a group descriptor, and follows a directory
 * for ever that was made so.
 *
 * Every read succeeds. Beyond the disk's end, where the disk below fails, and
 * once the allowance is used up, there are zeros: no directory, no inode and
 * no block map, so that a walk through the filesystem ends there.
 */
#ifndef EXT4_METERED_DISK_H
#define EXT4_METERED_DISK_H

#include <stdint.h>

#include "image-format/disk.h"

struct metered_disk {
    struct disk disk;
    struct disk *below;
    uint64_t allowance; /* bytes that may still be read; a read costs 4 KiB at least */
};

/* Sets up self to read from below, which it doesn't own; there is nothing to close. Its size is
 * the largest that there can be. */
void metered_disk_init(struct metered_disk *self, struct disk *below, uint64_t allowance);

#endif
