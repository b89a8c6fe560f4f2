#include "ext4/orphan-inode.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/inode-rules.h"
#include "ext4/inode-tree.h"
#include "ext4/quota.h"
#include "image-format/disk.h"

int orphan_bad(struct error *error, uint32_t number, const char *what)
{
    error_set(error, ERROR_CORRUPT, "inode %u, which is yet to be cleaned up, %s", number, what);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

void orphan_inode_free(struct orphan_inode *inode)
{
    free(inode->inode);
    inode->inode = NULL;
}

int orphan_inode_read(struct orphan_work *work, uint32_t number, struct orphan_inode *ret_inode,
                      struct error *error)
{
    ext2_filsys fs = work->space.ext4->fs;
    errcode_t code;
    bool is_used;

    ret_inode->number = number;
    ret_inode->size = max_u64(EXT2_INODE_SIZE(fs->super), sizeof *ret_inode->inode);
    ret_inode->inode = calloc(1, ret_inode->size);
    if (!ret_inode->inode)
        return error_set_no_memory(error);
    if (number == 0 || number > fs->super->s_inodes_count)
        return orphan_bad(error, number, "is none of the filesystem's");
    if (orphan_space_has_inode(&work->space, number, &is_used, error))
        return -1;
    if (!is_used)
        return orphan_bad(error, number, "is not in use");
    code = ext2fs_read_inode_full(fs, number, (struct ext2_inode *)ret_inode->inode,
                                  (int)EXT2_INODE_SIZE(fs->super));
    if (code == 0)
        return inode_check_orphan(work->space.ext4, number, ret_inode->inode, error);
    ext4_set_error(error, &work->space.ext4->io, code, "cannot read inode %u", number);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

int orphan_inode_write(struct orphan_work *work, struct orphan_inode *inode, struct error *error)
{
    ext2_filsys fs = work->space.ext4->fs;
    errcode_t code = ext2fs_write_inode_full(fs, inode->number, (struct ext2_inode *)inode->inode,
                                             (int)EXT2_INODE_SIZE(fs->super));

    return code ? ext4_set_error(error, &work->space.ext4->io, code, "cannot write inode %u",
                                 inode->number)
                : 0;
}

/* Where the blocks of a tree go. */
struct cut {
    struct orphan_work *work;
    uint64_t last_cluster; /* that data was met in; UINT64_MAX: none */
    uint64_t released;     /* clusters */
    uint64_t tail;         /* the logical block that the size ends in */
    uint64_t tail_place;   /* its place, where it was written; 0: none */
};

/* Extents in one cluster follow each other: it goes with the first, unless one before is kept. */
static int visit_data(struct cut *cut, const struct ext4_tree_run *run, struct error *error)
{
    uint64_t cluster_blocks = cut->work->space.ext4->geometry.cluster_blocks;
    uint64_t first = run->run.start / cluster_blocks;
    uint64_t last = (run->run.start + run->run.count - 1) / cluster_blocks;
    bool is_new = first != cut->last_cluster;

    cut->last_cluster = last;
    if (run->part == EXT4_TREE_KEPT) {
        if (!run->unwritten && cut->tail >= run->logical &&
            cut->tail - run->logical < run->run.count)
            cut->tail_place = run->run.start + (cut->tail - run->logical);
        return orphan_space_check_run(&cut->work->space, run->run, error);
    }
    first += !is_new;
    if (first > last)
        return 0;
    cut->released += last - first + 1;
    return orphan_space_release(
        &cut->work->space,
        (struct ext4_run){first * cluster_blocks, (last - first + 1) * cluster_blocks}, error);
}

static int visit_run(const struct ext4_tree_run *run, void *context, struct error *error)
{
    struct cut *cut = context;
    uint64_t cluster_blocks = cut->work->space.ext4->geometry.cluster_blocks;

    if (run->part == EXT4_TREE_KEPT || run->part == EXT4_TREE_RELEASED)
        return visit_data(cut, run, error);
    if (run->part == EXT4_TREE_NODE)
        return orphan_space_check_run(&cut->work->space, run->run, error);
    cut->released++;
    return orphan_space_release(
        &cut->work->space,
        (struct ext4_run){round_down(run->run.start, cluster_blocks), cluster_blocks}, error);
}

/* Zeros in the last block behind the size: what a longer file would show there. Without its key,
 * the kernel leaves an encrypted one as it is, too. */
static int clear_tail(struct cut *cut, const struct orphan_inode *inode, uint64_t size,
                      struct error *error)
{
    const struct ext4 *ext4 = cut->work->space.ext4;
    uint32_t block_size = ext4->geometry.block_size;
    uint64_t behind = block_size - size % block_size;
    CLEANUP_FREE void *zeros = NULL;

    if (cut->tail_place == 0 || size % block_size == 0 || !LINUX_S_ISREG(inode->inode->i_mode) ||
        inode->inode->i_flags & EXT4_ENCRYPT_FL)
        return 0;
    zeros = calloc(1, block_size);
    if (!zeros)
        return error_set_no_memory(error);
    return disk_write(ext4->io.disk, cut->tail_place * block_size + size % block_size, zeros,
                      (size_t)behind, error);
}

/* Releases the blocks from the size on. */
static int cut_off(struct orphan_work *work, struct orphan_inode *inode, uint64_t size,
                   struct error *error)
{
    struct ext4 *ext4 = work->space.ext4;
    uint32_t block_size = ext4->geometry.block_size;
    struct cut cut = {
        .work = work,
        .last_cluster = UINT64_MAX,
        .tail = size / block_size,
    };
    struct ext4_tree tree = {
        .disk = ext4->io.disk,
        .geometry = &ext4->geometry,
        .number = inode->number,
        .inode = inode->inode,
        .visit = visit_run,
        .context = &cut,
    };

    if (!ext2fs_inode_has_valid_blocks2(ext4->fs, (struct ext2_inode *)inode->inode))
        return 0;
    ext4_tree_prepare(&tree, ext4->fs->super);
    if (ext4_tree_cut(&tree, divide_up(size, block_size), error) ||
        clear_tail(&cut, inode, size, error))
        return -1;
    if (ext2fs_iblk_sub_blocks(ext4->fs, (struct ext2_inode *)inode->inode, cut.released))
        return orphan_bad(error, inode->number, "has more blocks than it counts");
    return 0;
}

static uint64_t bytes_of(const struct orphan_work *work, const struct orphan_inode *inode)
{
    return ext2fs_get_stat_i_blocks(work->space.ext4->fs, (struct ext2_inode *)inode->inode) * 512;
}

/* The owner has that much less. */
static int take_off_account(struct orphan_work *work, const struct orphan_inode *inode,
                            uint64_t bytes, uint64_t inodes, struct error *error)
{
    struct ext4 *ext4 = work->space.ext4;

    if (!ext2fs_has_feature_quota(ext4->fs->super) ||
        !ext4_quota_counts(ext4, inode->number, inode->inode))
        return 0;
    return ext4_quota_add(ext4, inode->inode, -(int64_t)bytes, -(int64_t)inodes, error);
}

int orphan_inode_delete(struct orphan_work *work, struct orphan_inode *inode, struct error *error)
{
    ext2_filsys fs = work->space.ext4->fs;
    struct ext2_inode *small = (struct ext2_inode *)inode->inode;
    bool is_directory = LINUX_S_ISDIR(inode->inode->i_mode);
    uint64_t bytes = bytes_of(work, inode);

    if (cut_off(work, inode, 0, error) || orphan_release_attributes(work, inode, error) ||
        take_off_account(work, inode, bytes, 1 + inode->values, error))
        return -1;
    if (LINUX_S_ISLNK(inode->inode->i_mode) && ext2fs_is_fast_symlink(small))
        memset(inode->inode->i_block, 0, sizeof inode->inode->i_block);
    inode->inode->i_size = 0;
    inode->inode->i_size_high = 0;
    inode->inode->i_links_count = 0;
    inode->inode->i_dtime = work->now;
    ext2fs_iblk_set(fs, small, 0);
    return orphan_inode_write(work, inode, error) ||
                   orphan_space_release_inode(&work->space, inode->number, is_directory, error)
               ? -1
               : 0;
}

/* Cutting a file off changes it, also when that comes late (kernel: ext4_truncate). The extra bits
 * of a time hold nanoseconds, and the epoch above them, which begins in 2038. */
static void set_times(const struct orphan_work *work, struct ext2_inode_large *inode)
{
    uint32_t epoch = work->now > INT32_MAX;

    inode->i_mtime = inode->i_ctime = work->now;
    if (EXT2_INODE_SIZE(work->space.ext4->fs->super) == EXT2_GOOD_OLD_INODE_SIZE)
        return;
    if (inode_includes(EXT2_GOOD_OLD_INODE_SIZE + inode->i_extra_isize, i_ctime_extra))
        inode->i_ctime_extra = epoch;
    if (inode_includes(EXT2_GOOD_OLD_INODE_SIZE + inode->i_extra_isize, i_mtime_extra))
        inode->i_mtime_extra = epoch;
}

int orphan_inode_truncate(struct orphan_work *work, struct orphan_inode *inode, struct error *error)
{
    uint64_t bytes;

    if (inode->inode->i_flags & EXT4_VERITY_FL) {
        error_set(error, ERROR_REFUSED, "the file of inode %u was left while verity was enabled",
                  inode->number);
        return error_set_remedy(error, "mount the filesystem once where it is used");
    }
    if (inode->inode->i_flags & EXT4_EA_INODE_FL)
        return orphan_bad(error, inode->number, "holds an extended attribute");
    bytes = bytes_of(work, inode);
    if (cut_off(work, inode, EXT2_I_SIZE(inode->inode), error) ||
        take_off_account(work, inode, bytes - bytes_of(work, inode), 0, error))
        return -1;
    inode->inode->i_dtime = 0;
    set_times(work, inode->inode);
    return orphan_inode_write(work, inode, error);
}
