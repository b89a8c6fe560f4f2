#include "resize/copies.h"

#include "ext4/descriptors.h"
#include "resize/change.h"

static bool has_same_geometry(struct ext2_super_block *a, struct ext2_super_block *b)
{
    const uint32_t incompat = EXT4_FEATURE_INCOMPAT_64BIT | EXT2_FEATURE_INCOMPAT_META_BG;

    return a->s_magic == b->s_magic && ext2fs_blocks_count(a) == ext2fs_blocks_count(b) &&
           a->s_inodes_count == b->s_inodes_count && a->s_desc_size == b->s_desc_size &&
           a->s_reserved_gdt_blocks == b->s_reserved_gdt_blocks &&
           a->s_first_meta_bg == b->s_first_meta_bg && a->s_backup_bgs[0] == b->s_backup_bgs[0] &&
           a->s_backup_bgs[1] == b->s_backup_bgs[1] &&
           ((a->s_feature_incompat ^ b->s_feature_incompat) & incompat) == 0;
}

int resize_copies_are_stale(struct ext4 *ext4, bool *ret_stale, struct error *error)
{
    const struct ext4_geometry *geometry = &ext4->geometry;
    ext2_filsys fs = ext4->fs;

    *ret_stale = false;
    for (uint32_t group = 1; group < geometry->groups && !*ret_stale; group++) {
        struct ext2_super_block copy;
        errcode_t code;

        if (!ext4_group_has_super(geometry, group))
            continue;
        /* A negative count is one of bytes. */
        code = io_channel_read_blk64(fs->io, ext4_group_start(geometry, group),
                                     -(int)SUPERBLOCK_SIZE, &copy);
        if (code)
            return ext4_set_error(error, &ext4->io, code,
                                  "cannot read the superblock's copy of group %u", group);
        *ret_stale =
            !has_same_geometry(&copy, fs->super) || !ext2fs_superblock_csum_verify(fs, &copy);
    }
    return 0;
}

/* In place: a copy is none of the filesystem's state (disk.h, D2). */
static int write_kind(struct disk *disk, struct ext4 *ext4, const struct resize_plan *plan,
                      enum resize_step_kind kind, struct error *error)
{
    uint64_t committed_size = ext4->io.committed_size;
    int result;

    if (disk_begin(disk, error))
        return -1;
    ext4->io.committed_size = 0;
    result = resize_apply_copies(ext4, plan, kind, error);
    ext4->io.committed_size = committed_size;
    return result ? -1 : disk_commit(disk, error);
}

/* Superblocks last: as long as one of them is stale, the next run knows that there is something to
 * do. */
int resize_copies_write(struct disk *disk, struct ext4 *ext4, const struct resize_plan *plan,
                        struct error *error)
{
    return write_kind(disk, ext4, plan, RESIZE_DESCRIPTORS, error) ||
                   write_kind(disk, ext4, plan, RESIZE_SUPER_COPY, error)
               ? -1
               : 0;
}
