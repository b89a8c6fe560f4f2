#include "ext4/create-layout.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/size.h"

#define SIZE_UNIT (4 * KIB) /* a page: what is left over at the end isn't used */
#define INODE_SIZE 256
#define DESCRIPTOR_SIZE 64
#define LOG_GROUPS_PER_FLEX 12 /* -G 4096 */
#define RESERVED_PERCENT 5

#define COMPATIBLE                                                    \
    (EXT3_FEATURE_COMPAT_HAS_JOURNAL | EXT2_FEATURE_COMPAT_EXT_ATTR | \
     EXT2_FEATURE_COMPAT_RESIZE_INODE | EXT2_FEATURE_COMPAT_DIR_INDEX)
#define INCOMPATIBLE                                                  \
    (EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_EXTENTS | \
     EXT4_FEATURE_INCOMPAT_64BIT | EXT4_FEATURE_INCOMPAT_FLEX_BG)
#define READ_ONLY_COMPATIBLE                                                   \
    (EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE | \
     EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_DIR_NLINK |     \
     EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE | EXT4_FEATURE_RO_COMPAT_METADATA_CSUM)

/* mke2fs.conf's usage types: a disk has the first whose limit it lies below. */
struct usage_type {
    uint64_t below;       /* bytes */
    uint32_t log_block;   /* block size is 1024 << log_block */
    uint32_t inode_ratio; /* bytes of disk for each inode */
};

static const struct usage_type usage_types[] = {
    {3 * MIB, 0, 8192},     /* floppy */
    {512 * MIB, 0, 4096},   /* small */
    {4 * TIB, 2, 16384},    /* default */
    {16 * TIB, 2, 32768},   /* big */
    {UINT64_MAX, 2, 65536}, /* huge */
};

static const struct usage_type *find_usage_type(uint64_t size)
{
    const struct usage_type *type = usage_types;

    while (size >= type->below)
        type++;
    return type;
}

/* Group numbers have 32 bits, and a group has as many blocks as a block has bits. */
static bool too_large(uint64_t blocks, uint32_t log_block)
{
    return blocks > (UINT64_C(1) << (log_block + 10 + 3 + 32)) - 1;
}

int ext4_layout_plan(uint64_t size, struct ext2_super_block *ret_parameters, struct error *error)
{
    const struct usage_type *type;
    struct ext2_super_block plan;
    uint64_t blocks, inodes;
    char text[SIZE_TEXT_SIZE];

    size = round_down(size, SIZE_UNIT);
    type = find_usage_type(size);
    blocks = size >> (type->log_block + 10);
    inodes = min_u64(size / type->inode_ratio, UINT32_MAX);
    size_format(size, text);
    if (inodes == 0)
        return error_set(error, ERROR_REFUSED, "%s are too little for ext4", text);
    if (too_large(blocks, type->log_block))
        return error_set(error, ERROR_REFUSED, "%s are too much for ext4", text);

    memset(&plan, 0, sizeof plan);
    plan.s_rev_level = EXT2_DYNAMIC_REV;
    plan.s_log_block_size = type->log_block;
    plan.s_log_cluster_size = type->log_block;
    plan.s_inode_size = INODE_SIZE;
    plan.s_desc_size = DESCRIPTOR_SIZE;
    plan.s_log_groups_per_flex = LOG_GROUPS_PER_FLEX;
    plan.s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
    plan.s_feature_compat = COMPATIBLE;
    plan.s_feature_incompat = INCOMPATIBLE;
    plan.s_feature_ro_compat = READ_ONLY_COMPATIBLE;
    if (blocks > UINT32_MAX) /* the resize inode can't reach that far */
        plan.s_feature_compat &= ~(uint32_t)EXT2_FEATURE_COMPAT_RESIZE_INODE;
    plan.s_inodes_count = (uint32_t)inodes;
    ext2fs_blocks_count_set(&plan, blocks);
    ext2fs_r_blocks_count_set(&plan, blocks * RESERVED_PERCENT / 100);
    *ret_parameters = plan;
    return 0;
}
