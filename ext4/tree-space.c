#include "ext4/tree-space.h"

#include "base/checked.h"
#include "ext4/io.h"

/* More than this at once is no better, and the count has to fit libext2fs's int. */
#define MAX_RUN (UINT64_C(1) << 20)

int tree_space_set_error(struct tree_space *space, errcode_t code, const char *path,
                         struct error *error)
{
    if (code == EXT2_ET_BLOCK_ALLOC_FAIL || code == EXT2_ET_INODE_ALLOC_FAIL) {
        space->full = true;
        return error_set(error, ERROR_REFUSED, "the tree doesn't fit: there is no %s left for %s",
                         code == EXT2_ET_BLOCK_ALLOC_FAIL ? "block" : "inode", path);
    }
    return ext4_set_error(error, space->io, code, "can't write %s", path);
}

int tree_space_take(struct tree_space *space, uint64_t wanted, blk64_t *ret_start,
                    uint64_t *ret_count, struct error *error)
{
    blk64_t start = 0, count = 0;
    errcode_t code =
        ext2fs_new_range(space->fs, 0, space->next, min_u64(wanted, MAX_RUN), NULL, &start, &count);

    if (code)
        return tree_space_set_error(space, code, "the tree", error);
    ext2fs_block_alloc_stats_range(space->fs, start, (blk_t)count, +1);
    space->next = start + count;
    *ret_start = start;
    *ret_count = count;
    return 0;
}

int tree_space_write(const struct tree_space *space, blk64_t start, uint64_t count,
                     const void *bytes, struct error *error)
{
    errcode_t code = io_channel_write_blk64(space->fs->io, start, (int)count, bytes);

    return code ? ext4_set_error(error, space->io, code, "can't write the tree") : 0;
}
