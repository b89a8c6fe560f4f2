/*
 * What a filesystem that wasn't unmounted needs before anything else: its journal
 * replayed (jbd2), then its orphans truncated or deleted, as the kernel does at
 * the next mount. Sources: kernel fs/jbd2/recovery.c, fs/ext4/{orphan,super}.c,
 * Documentation/filesystems/ext4/{journal,orphan}.rst.
 */
#ifndef EXT4_RECOVERY_H
#define EXT4_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct disk;

/* What recovery did, for a message. */
struct ext4_recovery {
    bool done;                              /* false: there was nothing to recover */
    uint32_t transactions, blocks, revoked; /* replayed from the journal */
    uint32_t truncated, deleted;            /* orphans */
};

/* Whether the filesystem at the start of the disk has a journal to replay or orphans to clean
 * up. False where there is no filesystem. */
int ext4_needs_recovery(struct disk *disk, bool *ret_needs, struct error *error);

/* The part of ext4_recover that only reads, for a caller who wants to hear of a refusal before the
 * image's first change: all of the journal; or, without one to replay, the list of orphans.
 * Outside of a transaction or in one. Errors as ext4_recover. */
int ext4_check_recovery(struct disk *disk, struct error *error);

/* Recovers within the disk's open transaction; the caller commits. Afterwards the filesystem is
 * one that was unmounted cleanly. Errors that leave the filesystem as it is: ERROR_CORRUPT,
 * ERROR_UNSUPPORTED, ERROR_REFUSED with the remedy; the caller aborts. now: seconds since 1970, the
 * deletion time of orphans. */
int ext4_recover(struct disk *disk, uint32_t now, struct ext4_recovery *ret_recovery,
                 struct error *error);

/* All of it, outside of a transaction: where the filesystem needs recovery, that is checked, done
 * and committed. starts (which may be NULL) is called before the first change. Errors of the check
 * leave the image untouched. */
int ext4_recover_committed(struct disk *disk, uint32_t now, void (*starts)(void *context),
                           void *context, struct ext4_recovery *ret_recovery, struct error *error);

#endif
