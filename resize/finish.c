#include "resize/finish.h"

#include <string.h>

#include "base/cleanup.h"
#include "resize/change.h"
#include "resize/copies.h"

int resize_is_unfinished(struct disk *disk, struct ext4 *ext4, bool *ret_unfinished,
                         struct error *error)
{
    struct disk_description description;

    if (disk_describe(disk, &description, error))
        return -1;
    *ret_unfinished = strcmp(description.log, "dirty") == 0;
    return *ret_unfinished || !ext4 ? 0 : resize_copies_are_stale(ext4, ret_unfinished, error);
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
    if (disk_begin(disk, error) || disk_commit(disk, error))
        return -1;
    return ext4 ? renew_copies(disk, ext4, error) : 0;
}
