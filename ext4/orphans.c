#include "ext4/orphans.h"

#include "base/cleanup.h"
#include "ext4/bitmaps.h"
#include "ext4/orphan-list.h"

static int clean_one(struct orphan_work *work, uint32_t number, struct ext4_recovery *recovery,
                     struct error *error)
{
    CLEANUP(orphan_inode_free) struct orphan_inode inode = {0};

    if (orphan_inode_read(work, number, &inode, error))
        return -1;
    if (inode.inode->i_links_count > 0) {
        recovery->truncated++;
        return orphan_inode_truncate(work, &inode, error);
    }
    recovery->deleted++;
    return orphan_inode_delete(work, &inode, error);
}

static int clean_all(struct orphan_work *work, struct orphan_list *list,
                     struct ext4_recovery *recovery, struct error *error)
{
    struct ext4 *ext4 = work->space.ext4;

    if (list->count > 0 && ext4_bitmaps_check(&ext4->geometry, ext4->fs, error))
        return -1;
    for (size_t i = 0; i < list->count; i++)
        if (clean_one(work, list->numbers[i], recovery, error))
            return -1;
    return orphan_list_clear(work, list, error) || orphan_space_write(&work->space, error) ? -1 : 0;
}

int ext4_clean_orphans(struct ext4 *ext4, uint32_t now, struct ext4_recovery *recovery,
                       struct error *error)
{
    struct orphan_work work = {.now = now};
    struct orphan_list list = {0};
    int result = orphan_space_begin(ext4, &work.space, error) ||
                         orphan_list_read(&work, &list, error) ||
                         clean_all(&work, &list, recovery, error)
                     ? -1
                     : 0;

    orphan_list_free(&list);
    orphan_space_free(&work.space);
    return result;
}

int ext4_check_orphans(struct ext4 *ext4, struct error *error)
{
    struct orphan_work work = {0};
    struct orphan_list list = {0};
    int result =
        orphan_space_begin(ext4, &work.space, error) || orphan_list_read(&work, &list, error) ? -1
                                                                                              : 0;

    orphan_list_free(&list);
    orphan_space_free(&work.space);
    return result;
}
