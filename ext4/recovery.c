/*
 * The order: what the superblock in its place says is checked; the journal is
 * read, checked and replayed; the superblock, which may have been in it, is read
 * anew; then orphans are cleaned up, and last comes the superblock as a
 * clean unmount leaves it.
 */
#include "ext4/recovery.h"

#include <string.h>

#include "ext4/bitmaps.h"
#include "ext4/descriptors.h"
#include "ext4/journal.h"
#include "ext4/orphans.h"
#include "ext4/preflight.h"
#include "image-format/disk.h"

#define STATE_CLEANING_ORPHANS 4 /* EXT4_ORPHAN_FS: the kernel was at it */

int ext4_needs_recovery(struct disk *disk, bool *ret_needs, struct error *error)
{
    struct ext2_super_block super;
    bool is_there;

    *ret_needs = false;
    if (ext4_is_there(disk, &is_there, error))
        return -1;
    if (!is_there)
        return 0;
    if (disk_read(disk, SUPERBLOCK_OFFSET, &super, sizeof super, error))
        return -1;
    *ret_needs = super.s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER ||
                 super.s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT ||
                 super.s_last_orphan != 0;
    return 0;
}

/* Reads the journal, and replays it where that is wanted: recovery isn't NULL. */
static int go_through_journal(struct disk *disk, const struct ext4_geometry *geometry,
                              const struct ext2_super_block *super, struct ext4_recovery *recovery,
                              struct error *error)
{
    struct journal journal = {0};
    int result = ext4_journal_open(disk, geometry, super, &journal, error) ||
                         ext4_journal_scan(&journal, error) || ext4_journal_check(&journal, error)
                     ? -1
                     : 0;

    if (result == 0 && recovery) {
        recovery->transactions = journal.end_sequence - journal.start_sequence;
        result = ext4_journal_replay(&journal, &recovery->blocks, &recovery->revoked, error);
    }
    ext4_journal_free(&journal);
    return result;
}

/* The superblock's counts lag behind the descriptors' while a filesystem is mounted. */
static int sum_up(struct ext4 *ext4, struct error *error)
{
    struct ext2_super_block *super = ext4->fs->super;

    ext4_sum_free_counts(&ext4->geometry, ext4->fs);
    super->s_feature_incompat &= ~(uint32_t)EXT3_FEATURE_INCOMPAT_RECOVER;
    super->s_state &= (uint16_t)~STATE_CLEANING_ORPHANS;
    return ext4_write_super(ext4->fs, error);
}

static int finish(struct disk *disk, uint32_t now, struct ext4_recovery *recovery,
                  struct error *error)
{
    struct ext4 ext4;
    int result;

    if (ext4_open_recovering(disk, &ext4, error))
        return -1;
    result = ext4_clean_orphans(&ext4, now, recovery, error) || sum_up(&ext4, error) ? -1 : 0;
    ext4_release(&ext4);
    return result;
}

static int start(struct disk *disk, struct ext2_super_block *ret_super,
                 struct ext4_geometry *ret_geometry, struct error *error)
{
    if (ext4_check_super(disk, ret_super, ret_geometry, error))
        return -1;
    if (!(ret_super->s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER) ||
        ret_super->s_feature_compat & EXT3_FEATURE_COMPAT_HAS_JOURNAL)
        return 0;
    error_set(error, ERROR_CORRUPT, "the filesystem's journal is to be replayed, but it has none");
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

int ext4_check_recovery(struct disk *disk, struct error *error)
{
    struct ext2_super_block super;
    struct ext4_geometry geometry;
    struct ext4 ext4;
    int result;

    if (start(disk, &super, &geometry, error))
        return -1;
    if (super.s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER)
        return go_through_journal(disk, &geometry, &super, NULL, error);
    if (ext4_open_recovering(disk, &ext4, error))
        return -1;
    result = ext4_check_orphans(&ext4, error);
    ext4_release(&ext4);
    return result;
}

int ext4_recover(struct disk *disk, uint32_t now, struct ext4_recovery *ret_recovery,
                 struct error *error)
{
    struct ext4_recovery recovery = {0};
    struct ext2_super_block super;
    struct ext4_geometry geometry;

    if (start(disk, &super, &geometry, error) ||
        (super.s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER &&
         go_through_journal(disk, &geometry, &super, &recovery, error)) ||
        finish(disk, now, &recovery, error))
        return -1;
    recovery.done = true;
    *ret_recovery = recovery;
    return 0;
}

int ext4_recover_committed(struct disk *disk, uint32_t now, void (*starts)(void *context),
                           void *context, struct ext4_recovery *ret_recovery, struct error *error)
{
    bool needs;

    *ret_recovery = (struct ext4_recovery){0};
    if (ext4_needs_recovery(disk, &needs, error))
        return -1;
    if (!needs)
        return 0;
    if (ext4_check_recovery(disk, error))
        return -1;
    if (starts)
        starts(context);
    if (disk_begin(disk, error))
        return -1;
    if (ext4_recover(disk, now, ret_recovery, error)) {
        disk_abort(disk);
        return -1;
    }
    return disk_commit(disk, error);
}
