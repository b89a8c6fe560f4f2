#include "ext4/inode-tree.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "image-format/disk.h"

uint32_t ext4_checksum_seed(const struct ext2_super_block *super)
{
    if (super->s_feature_incompat & EXT4_FEATURE_INCOMPAT_CSUM_SEED)
        return super->s_checksum_seed;
    return ext2fs_crc32c_le(~UINT32_C(0), super->s_uuid, sizeof super->s_uuid);
}

uint32_t ext4_inode_checksum_seed(const struct ext2_super_block *super, uint32_t number,
                                  uint32_t generation)
{
    uint8_t bytes[8];

    put_le32(bytes, number);
    put_le32(bytes + 4, generation);
    return ext2fs_crc32c_le(ext4_checksum_seed(super), bytes, sizeof bytes);
}

/* What i_blocks says, in blocks: an upper limit of the tree's. */
static uint64_t count_blocks(const struct ext4_tree *tree, const struct ext2_super_block *super)
{
    const struct ext2_inode_large *inode = tree->inode;
    uint64_t count = inode->i_blocks;

    if (super->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_HUGE_FILE) {
        count |= (uint64_t)inode->osd2.linux2.l_i_blocks_hi << 32;
        if (inode->i_flags & EXT4_HUGE_FILE_FL)
            return count;
    }
    return count / (tree->geometry->block_size / 512);
}

void ext4_tree_prepare(struct ext4_tree *tree, const struct ext2_super_block *super)
{
    tree->has_checksums = super->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_METADATA_CSUM;
    tree->seed = ext4_inode_checksum_seed(super, tree->number, tree->inode->i_generation);
    tree->budget = min_u64(count_blocks(tree, super), tree->geometry->blocks);
}

int ext4_tree_bad(const struct ext4_tree *tree, struct error *error, const char *what,
                  uint64_t value)
{
    error_set(error, ERROR_CORRUPT, "the block tree of inode %u has %s %llu", tree->number, what,
              (unsigned long long)value);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

int ext4_tree_visit(struct ext4_tree *tree, struct ext4_tree_run run, struct error *error)
{
    const struct ext4_geometry *geometry = tree->geometry;

    if (run.run.start <= geometry->first_block ||
        !range_fits(run.run.start, run.run.count, geometry->blocks))
        return ext4_tree_bad(tree, error, "a block outside of the filesystem:", run.run.start);
    if (run.run.count > tree->budget)
        return ext4_tree_bad(tree, error, "more blocks than the inode counts, at block",
                             run.run.start);
    tree->budget -= run.run.count;
    return tree->visit(&run, tree->context, error);
}

int ext4_tree_read_node(struct ext4_tree *tree, uint64_t block, uint8_t *node, struct error *error)
{
    const struct ext4_geometry *geometry = tree->geometry;

    if (block <= geometry->first_block || block >= geometry->blocks)
        return ext4_tree_bad(tree, error, "a node outside of the filesystem:", block);
    return disk_read(tree->disk, block * geometry->block_size, node, geometry->block_size, error);
}

int ext4_tree_write_node(struct ext4_tree *tree, uint64_t block, const uint8_t *node,
                         struct error *error)
{
    uint32_t block_size = tree->geometry->block_size;

    return disk_write(tree->disk, block * block_size, node, block_size, error);
}

int ext4_tree_cut(struct ext4_tree *tree, uint64_t end, struct error *error)
{
    return tree->inode->i_flags & EXT4_EXTENTS_FL ? ext4_tree_cut_extents(tree, end, error)
                                                  : ext4_tree_cut_pointers(tree, end, error);
}
