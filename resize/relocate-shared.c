/*
 * Blocks that belong to more than one inode, to none, or to the filesystem.
 */
#include "base/checked.h"
#include "resize/relocate.h"

static bool goes(const struct resize_relocating *relocating, uint64_t block, bool late,
                 uint64_t *ret_to)
{
    struct ext4_run part;

    *ret_to = resize_relocation_of(&relocating->plan->relocation, block);
    return *ret_to != block &&
           resize_zones_meet(&relocating->plan->late, (struct ext4_run){*ret_to, 1}, &part) == late;
}

static int change_space(struct resize_relocating *relocating, uint64_t from, uint64_t to,
                        struct error *error)
{
    uint32_t ratio = relocating->ext4->geometry.cluster_blocks;

    return resize_give_back(relocating, (struct ext4_run){round_down(from, ratio), ratio}, error) ||
                   ext4_space_take(relocating->space,
                                   (struct ext4_run){round_down(to, ratio), ratio}, error)
               ? -1
               : 0;
}

/* The place of a block of extended attributes is part of its checksum. */
static int copy_xattr_block(struct resize_relocating *relocating, uint32_t number, uint64_t from,
                            uint64_t to, struct error *error)
{
    struct ext4 *ext4 = relocating->ext4;
    errcode_t code = ext2fs_read_ext_attr3(ext4->fs, from, relocating->buffer, number);

    if (code == 0)
        code = ext2fs_write_ext_attr3(ext4->fs, to, relocating->buffer, number);
    relocating->copied += ext4->fs->blocksize;
    return code ? ext4_set_error(error, &ext4->io, code,
                                 "cannot move the extended attributes of inode %u", number)
                : 0;
}

/* The first of the inodes that share a block moves it. */
static int move_xattrs(struct resize_relocating *relocating, uint32_t number, bool late,
                       struct error *error)
{
    struct ext4 *ext4 = relocating->ext4;
    struct ext2_inode *inode = (struct ext2_inode *)relocating->inode;
    int size = (int)EXT2_INODE_SIZE(ext4->fs->super);
    errcode_t code = ext2fs_read_inode_full(ext4->fs, number, inode, size);
    uint64_t from = code ? 0 : ext2fs_file_acl_block(ext4->fs, inode), to;
    bool is_free;

    if (code)
        return ext4_set_error(error, &ext4->io, code, "cannot read inode %u", number);
    if (!goes(relocating, from, late, &to))
        return 0;
    /* Where it was copied already, its place is taken. */
    if (ext4_space_is_free(relocating->space, to, &is_free, error))
        return -1;
    if (is_free && (copy_xattr_block(relocating, number, from, to, error) ||
                    change_space(relocating, from, to, error)))
        return -1;
    ext2fs_file_acl_block_set(ext4->fs, inode, to);
    code = ext2fs_write_inode_full(ext4->fs, number, inode, size);
    return code ? ext4_set_error(error, &ext4->io, code, "cannot write inode %u", number) : 0;
}

int resize_relocate_xattrs(struct resize_relocating *relocating, bool late, struct error *error)
{
    const struct resize_numbers *numbers = &relocating->plan->relocation.xattr_inodes;

    for (size_t i = 0; i < numbers->count; i++)
        if (move_xattrs(relocating, resize_number_of(relocating->plan, numbers->list[i]), late,
                        error))
            return -1;
    return 0;
}

static int move_multiple_mount_block(struct resize_relocating *relocating, bool late,
                                     struct error *error)
{
    struct ext2_super_block *super = relocating->ext4->fs->super;
    uint64_t from = super->s_mmp_block, to;

    if (!(super->s_feature_incompat & EXT4_FEATURE_INCOMPAT_MMP) ||
        !goes(relocating, from, late, &to))
        return 0;
    if (resize_copy_blocks(relocating, from, to, 1, error) ||
        change_space(relocating, from, to, error))
        return -1;
    super->s_mmp_block = to;
    return 0;
}

static int move_double_indirect_block(struct resize_relocating *relocating, bool late,
                                      struct error *error)
{
    struct ext4 *ext4 = relocating->ext4;
    struct ext2_inode inode;
    errcode_t code;
    uint64_t from, to;

    if (!ext4->geometry.has_resize_inode)
        return 0;
    code = ext2fs_read_inode(ext4->fs, EXT2_RESIZE_INO, &inode);
    from = code ? 0 : inode.i_block[EXT2_DIND_BLOCK];
    if (code == 0 && !goes(relocating, from, late, &to))
        return 0;
    if (code == 0) {
        if (resize_copy_blocks(relocating, from, to, 1, error) ||
            change_space(relocating, from, to, error))
            return -1;
        inode.i_block[EXT2_DIND_BLOCK] = (uint32_t)to;
        code = ext2fs_write_inode(ext4->fs, EXT2_RESIZE_INO, &inode);
    }
    return code ? ext4_set_error(error, &ext4->io, code, "cannot move the resize inode's block")
                : 0;
}

int resize_relocate_special(struct resize_relocating *relocating, bool late, struct error *error)
{
    return move_multiple_mount_block(relocating, late, error) ||
                   move_double_indirect_block(relocating, late, error)
               ? -1
               : 0;
}
