#include "resize/finish.h"

#include <string.h>

#include "base/cleanup.h"
#include "resize/change.h"
#include "resize/copies.h"

int resize_find_unfinished(struct disk *disk, struct ext4 *ext4, const char **ret_what,
                           struct error *error)
{
    struct disk_description description;
    bool is_dirty, stale = false;

    if (disk_describe(disk, &description, error))
        return -1;
    is_dirty = strcmp(description.log, "dirty") == 0;
    if (!is_dirty && ext4 && resize_copies_are_stale(ext4, &stale, error))
        return -1;
    *ret_what = is_dirty ? "finishing a change that was interrupted"
                : stale  ? "renewing copies of the superblock, which tell of an earlier state"
                         : NULL;
    return 0;
}

static int renew_copies(struct disk *disk, struct ext4 *ext4, struct error *error)
{
    CLEANUP(resize_plan_free) struct resize_plan plan = {0};
    bool stale;

    if (resize_copies_are_stale(ext4, &stale, error))
        return -1;
    if (!stale)
        return 0;
    return resize_plan_copies(ext4, &plan, error) || resize_copies_write(disk, ext4, &plan, error)
               ? -1
               : 0;
}

int resize_finish(struct disk *disk, struct ext4 *ext4, struct error *error)
{
    if (disk_begin(disk, error))
        return -1;
    if (disk_commit(disk, error)) {
        disk_abort(disk);
        return -1;
    }
    return ext4 ? renew_copies(disk, ext4, error) : 0;
}
