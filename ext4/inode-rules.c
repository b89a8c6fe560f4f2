#include "ext4/inode-rules.h"

#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "ext4/inode-check.h"

/* What the rows look at. */
struct candidate {
    ext2_filsys fs;
    struct ext2_super_block *super;
    uint32_t number;
    const struct ext2_inode_large *inode;
};

struct rule {
    bool (*is_broken)(const struct candidate *candidate);
    const char *sentence;
};

static int check_rules(const struct candidate *candidate, const struct rule *rules, size_t count,
                       struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (rules[i].is_broken(candidate))
            return inode_is_damaged(error, candidate->number, "%s", rules[i].sentence);
    return 0;
}

static bool has_flag(const struct candidate *candidate, uint32_t flags)
{
    return candidate->inode->i_flags & flags;
}

static bool is_directory(const struct candidate *candidate)
{
    return LINUX_S_ISDIR(candidate->inode->i_mode);
}

/* Devices, pipes and sockets. */
static bool is_special(const struct candidate *candidate)
{
    uint16_t mode = candidate->inode->i_mode;

    return LINUX_S_ISCHR(mode) || LINUX_S_ISBLK(mode) || LINUX_S_ISFIFO(mode) ||
           LINUX_S_ISSOCK(mode);
}

static bool has_no_type(const struct candidate *candidate)
{
    uint16_t mode = candidate->inode->i_mode;

    return !is_special(candidate) && !LINUX_S_ISREG(mode) && !LINUX_S_ISDIR(mode) &&
           !LINUX_S_ISLNK(mode);
}

static bool has_no_link(const struct candidate *candidate)
{
    return candidate->inode->i_links_count == 0;
}

static bool is_deleted(const struct candidate *candidate)
{
    return candidate->inode->i_dtime != 0;
}

static bool is_no_root(const struct candidate *candidate)
{
    return candidate->number == EXT2_ROOT_INO && !is_directory(candidate);
}

static bool has_fragment(const struct candidate *candidate)
{
    return candidate->inode->i_faddr != 0;
}

static bool is_too_large_directory(const struct candidate *candidate)
{
    return is_directory(candidate) && candidate->inode->i_size_high != 0 &&
           !ext2fs_has_feature_largedir(candidate->super);
}

static bool has_high_xattr_block(const struct candidate *candidate)
{
    return candidate->inode->osd2.linux2.l_i_file_acl_high != 0 &&
           !ext2fs_has_feature_64bit(candidate->super);
}

static bool has_high_block_count(const struct candidate *candidate)
{
    return candidate->inode->osd2.linux2.l_i_blocks_hi != 0 &&
           (!ext2fs_has_feature_huge_file(candidate->super) ||
            has_flag(candidate, EXT4_HUGE_FILE_FL));
}

static bool has_odd_extra_size(const struct candidate *candidate)
{
    size_t inode_size = EXT2_INODE_SIZE(candidate->super);
    uint16_t size;

    if (inode_size == EXT2_GOOD_OLD_INODE_SIZE)
        return false;
    size = candidate->inode->i_extra_isize;
    return size != 0 && (size < 4 || size > inode_size - EXT2_GOOD_OLD_INODE_SIZE || size % 4 != 0);
}

static bool has_flag_without_feature(const struct candidate *candidate)
{
    struct ext2_super_block *super = candidate->super;

    return (has_flag(candidate, EXT2_IMAGIC_FL) && !ext2fs_has_feature_imagic_inodes(super)) ||
           (has_flag(candidate, EXT4_EXTENTS_FL) && !ext2fs_has_feature_extents(super)) ||
           (has_flag(candidate, EXT4_INLINE_DATA_FL) && !ext2fs_has_feature_inline_data(super)) ||
           (has_flag(candidate, EXT4_CASEFOLD_FL) && !ext2fs_has_feature_casefold(super)) ||
           (has_flag(candidate, EXT2_INDEX_FL) && !ext2fs_has_feature_dir_index(super)) ||
           (has_flag(candidate, EXT4_ENCRYPT_FL) && !ext2fs_has_feature_encrypt(super));
}

static bool has_flag_of_directories(const struct candidate *candidate)
{
    return !is_directory(candidate) && has_flag(candidate, EXT4_CASEFOLD_FL | EXT2_INDEX_FL);
}

static bool has_two_kinds_of_data(const struct candidate *candidate)
{
    return has_flag(candidate, EXT4_INLINE_DATA_FL) && has_flag(candidate, EXT4_EXTENTS_FL);
}

static bool has_xattrs_without_feature(const struct candidate *candidate)
{
    return ext2fs_file_acl_block(candidate->fs, (const struct ext2_inode *)candidate->inode) != 0 &&
           !ext2fs_has_feature_xattr(candidate->super);
}

/* Bytes 16 and on of i_block are zero: a device's numbers lie before. */
static bool is_odd_special(const struct candidate *candidate)
{
    return is_special(candidate) &&
           (EXT2_I_SIZE(candidate->inode) != 0 ||
            has_flag(candidate,
                     EXT4_EXTENTS_FL | EXT4_INLINE_DATA_FL | EXT2_IMMUTABLE_FL | EXT2_APPEND_FL) ||
            !bytes_are_zero(candidate->inode->i_block + 4, sizeof candidate->inode->i_block - 16));
}

static bool is_odd_link(const struct candidate *candidate)
{
    uint64_t size = EXT2_I_SIZE(candidate->inode);

    return LINUX_S_ISLNK(candidate->inode->i_mode) &&
           (size == 0 || size > candidate->fs->blocksize ||
            has_flag(candidate, EXT2_IMMUTABLE_FL | EXT2_APPEND_FL) ||
            (has_flag(candidate, EXT4_EXTENTS_FL) && size < sizeof candidate->inode->i_block));
}

/* A link in the inode itself: its text is as long as its size, unless it is encrypted. */
static bool is_cut_link(const struct candidate *candidate)
{
    uint64_t size = EXT2_I_SIZE(candidate->inode);

    return LINUX_S_ISLNK(candidate->inode->i_mode) && size < sizeof candidate->inode->i_block &&
           !has_flag(candidate, EXT4_EXTENTS_FL | EXT4_INLINE_DATA_FL | EXT4_ENCRYPT_FL) &&
           ext2fs_is_fast_symlink((struct ext2_inode *)candidate->inode) &&
           strnlen((const char *)candidate->inode->i_block, sizeof candidate->inode->i_block) !=
               size;
}

static bool is_clustered_without_extents(const struct candidate *candidate)
{
    return ext2fs_has_feature_bigalloc(candidate->super) &&
           (LINUX_S_ISREG(candidate->inode->i_mode) || is_directory(candidate)) &&
           !has_flag(candidate, EXT4_EXTENTS_FL | EXT4_INLINE_DATA_FL) &&
           !bytes_are_zero(candidate->inode->i_block, sizeof candidate->inode->i_block);
}

static const struct rule ordinary_rules[] = {
    {has_no_link, "it is in use and has no link"},
    {has_no_type, "its mode names no type of file"},
    {is_no_root, "the root is no directory"},
    {is_deleted, "it is in use and has a time of deletion"},
    {has_fragment, "it claims a fragment, which no version of ext has"},
    {is_too_large_directory, "it is a directory of 4 GiB or more without the feature large_dir"},
    {has_high_xattr_block, "its extended attributes lie beyond what 32 bits reach"},
    {has_high_block_count, "its i_blocks is beyond what it can be"},
    {has_odd_extra_size, "its i_extra_isize can't be"},
    {has_flag_without_feature, "it has a flag whose feature the filesystem doesn't have"},
    {has_flag_of_directories, "it is no directory and has a flag that only directories have"},
    {has_two_kinds_of_data, "it claims both extents and inline data"},
    {has_xattrs_without_feature, "it claims extended attributes, which the filesystem hasn't"},
    {is_odd_special, "it is a special file and has what only other files have"},
    {is_odd_link, "it is a symbolic link and has a size or flags that can't be"},
    {is_cut_link, "it is a symbolic link and its text is shorter or longer than its size"},
    {is_clustered_without_extents, "it is in a filesystem of clusters and has no extents"},
};

static bool is_not_empty(const struct candidate *candidate)
{
    const struct ext2_inode_large *inode = candidate->inode;

    return inode->i_links_count != 0 || inode->i_blocks != 0 ||
           !bytes_are_zero(inode->i_block, sizeof inode->i_block);
}

static bool is_quota(const struct candidate *candidate)
{
    const struct ext2_super_block *super = candidate->super;

    return ext2fs_has_feature_quota(candidate->super) &&
           (candidate->number == super->s_usr_quota_inum ||
            candidate->number == super->s_grp_quota_inum ||
            candidate->number == super->s_prj_quota_inum);
}

/* Journal and quota files have the numbers 8, 3 and 4, or these are empty. */
static bool is_odd_file(const struct candidate *candidate)
{
    bool is_file = candidate->number == EXT2_JOURNAL_INO
                       ? candidate->super->s_journal_inum == EXT2_JOURNAL_INO
                       : is_quota(candidate);

    if (candidate->number != EXT2_JOURNAL_INO && candidate->number != EXT4_USR_QUOTA_INO &&
        candidate->number != EXT4_GRP_QUOTA_INO)
        return false;
    return is_file ? !LINUX_S_ISREG(candidate->inode->i_mode) : is_not_empty(candidate);
}

static bool is_odd_bad_blocks(const struct candidate *candidate)
{
    const struct ext2_inode_large *inode = candidate->inode;

    return candidate->number == EXT2_BAD_INO &&
           (inode->i_mode != 0 || inode->i_uid != 0 || inode->i_gid != 0 ||
            inode->i_links_count != 0 || has_flag(candidate, EXT4_INLINE_DATA_FL) ||
            ext2fs_file_acl_block(candidate->fs, (const struct ext2_inode *)inode) != 0);
}

/* All of its blocks hang on the double-indirect one. */
static bool is_odd_resize(const struct candidate *candidate)
{
    const struct ext2_inode_large *inode = candidate->inode;

    if (candidate->number != EXT2_RESIZE_INO)
        return false;
    if (!ext2fs_has_feature_resize_inode(candidate->super))
        return is_not_empty(candidate);
    for (int i = 0; i < EXT2_N_BLOCKS; i++)
        if ((inode->i_block[i] != 0) != (i == EXT2_DIND_BLOCK))
            return true;
    return !LINUX_S_ISREG(inode->i_mode) || inode->i_links_count == 0 ||
           inode->osd2.linux2.l_i_blocks_hi != 0 ||
           has_flag(candidate, EXT4_EXTENTS_FL | EXT4_INLINE_DATA_FL);
}

/* The boot loader's has what it likes, but is no directory; the rest has nothing yet. */
static bool is_odd_reserved(const struct candidate *candidate)
{
    switch (candidate->number) {
    case EXT2_BOOT_LOADER_INO:
        return is_directory(candidate);
    case EXT2_BAD_INO:
    case EXT2_JOURNAL_INO:
    case EXT2_RESIZE_INO:
    case EXT4_USR_QUOTA_INO:
    case EXT4_GRP_QUOTA_INO:
        return false;
    default:
        return candidate->inode->i_mode != 0;
    }
}

static const struct rule reserved_rules[] = {
    {is_odd_bad_blocks, "the list of bad blocks has what only files have"},
    {is_odd_file, "it is reserved for a journal or for quotas, and holds something else"},
    {is_odd_resize, "the resize inode has other blocks than its double-indirect one, or claims to"},
    {is_odd_reserved, "it is reserved, and has a mode"},
    {has_flag_without_feature, "it has a flag whose feature the filesystem doesn't have"},
    {has_two_kinds_of_data, "it claims both extents and inline data"},
    {has_high_xattr_block, "its extended attributes lie beyond what 32 bits reach"},
    {has_xattrs_without_feature, "it claims extended attributes, which the filesystem hasn't"},
};

/* Small times of deletion are links of an orphan list; unless all times are small. */
static bool is_lost_orphan(const struct candidate *candidate)
{
    const struct ext2_super_block *super = candidate->super;
    uint32_t inodes = super->s_inodes_count;
    bool is_young = (super->s_wtime != 0 && super->s_wtime < inodes) ||
                    (super->s_mtime != 0 && super->s_mtime < inodes) ||
                    (super->s_mkfs_time != 0 && super->s_mkfs_time < inodes);

    return !is_young && candidate->inode->i_dtime != 0 && candidate->inode->i_dtime < inodes;
}

static bool has_link(const struct candidate *candidate)
{
    return candidate->inode->i_links_count != 0;
}

static bool is_not_deleted(const struct candidate *candidate)
{
    return candidate->inode->i_mode != 0 && candidate->inode->i_dtime == 0;
}

static const struct rule free_rules[] = {
    {has_link, "the inode bitmap has it as free, and it has links"},
    {is_not_deleted, "it has no links and no time of deletion"},
    {is_lost_orphan, "it was part of a list of orphans"},
};

/* What is to be deleted or cut off has more that isn't as it should be. */
static const struct rule orphan_rules[] = {
    {has_no_type, "its mode names no type of file"},
    {has_odd_extra_size, "its i_extra_isize can't be"},
    {has_flag_without_feature, "it has a flag whose feature the filesystem doesn't have"},
    {has_two_kinds_of_data, "it claims both extents and inline data"},
    {has_high_xattr_block, "its extended attributes lie beyond what 32 bits reach"},
    {has_xattrs_without_feature, "it claims extended attributes, which the filesystem hasn't"},
};

#define CHECK(rules, candidate, error) \
    check_rules(candidate, rules, sizeof rules / sizeof *rules, error)

bool inode_is_reserved(const struct ext2_super_block *super, uint32_t number)
{
    return number != EXT2_ROOT_INO && number < EXT2_FIRST_INODE(super);
}

bool inode_has_map(ext2_filsys fs, uint32_t number, const struct ext2_inode_large *inode)
{
    if (number == EXT2_RESIZE_INO)
        return false;
    return number == EXT2_BAD_INO || ext4_inode_maps_blocks(fs, inode);
}

int inode_check_fields(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                       struct error *error)
{
    struct candidate candidate = {ext4->fs, ext4->fs->super, number, inode};

    return inode_is_reserved(candidate.super, number) ? CHECK(reserved_rules, &candidate, error)
                                                      : CHECK(ordinary_rules, &candidate, error);
}

int inode_check_free(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                     struct error *error)
{
    struct candidate candidate = {ext4->fs, ext4->fs->super, number, inode};

    return CHECK(free_rules, &candidate, error);
}

int inode_check_orphan(struct ext4 *ext4, uint32_t number, const struct ext2_inode_large *inode,
                       struct error *error)
{
    struct candidate candidate = {ext4->fs, ext4->fs->super, number, inode};

    return CHECK(orphan_rules, &candidate, error);
}
