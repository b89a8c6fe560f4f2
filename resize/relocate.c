/*
 * One inode at a time: the contents of what moves are copied, then the tree is
 * written anew, then the inode.
 */
#include "resize/relocate.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "ext4/quota.h"

int resize_relocating_new(struct ext4 *ext4, struct ext4_space *space,
                          const struct resize_plan *plan, struct resize_relocating *ret_relocating,
                          struct error *error)
{
    *ret_relocating = (struct resize_relocating){
        .ext4 = ext4,
        .space = space,
        .plan = plan,
        .inode =
            calloc(1, max_u64(EXT2_INODE_SIZE(ext4->fs->super), sizeof(struct ext2_inode_large))),
        .buffer = malloc(RESIZE_COPY_SIZE),
        .end = ext4->geometry.blocks,
    };
    return ret_relocating->inode && ret_relocating->buffer ? 0 : error_set_no_memory(error);
}

void resize_relocating_free(struct resize_relocating *relocating)
{
    free(relocating->inode);
    free(relocating->buffer);
    ext4_block_map_free(&relocating->map);
    ext4_block_map_free(&relocating->moved);
    *relocating = (struct resize_relocating){0};
}

uint32_t resize_number_of(const struct resize_plan *plan, uint32_t number)
{
    size_t low = 0, high = plan->inode_move_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (plan->inode_moves[middle].from == number)
            return plan->inode_moves[middle].to;
        if (plan->inode_moves[middle].from > number)
            high = middle;
        else
            low = middle + 1;
    }
    return number;
}

/* Calls each for the parts of the map that move, in whole clusters, each cluster once. */
typedef int each_part(struct resize_relocating *relocating, struct ext4_run from, uint64_t to,
                      struct error *error);

static int for_moved_run(struct resize_relocating *relocating, struct ext4_run run, uint64_t *last,
                         each_part *each, struct error *error)
{
    const struct resize_relocation *relocation = &relocating->plan->relocation;
    uint32_t ratio = relocating->ext4->geometry.cluster_blocks;
    struct ext4_run part;
    uint64_t to;

    while (resize_relocation_meet(relocation, run, &part, &to)) {
        uint64_t start = round_down(part.start, ratio);
        uint64_t end = round_up(part.start + part.count, ratio);

        to -= part.start - start;
        run.count -= part.start + part.count - run.start;
        run.start = part.start + part.count;
        if (ratio > 1 && start + ratio == *last) {
            start += ratio;
            to += ratio;
        }
        *last = end;
        if (start < end && each(relocating, (struct ext4_run){start, end - start}, to, error))
            return -1;
    }
    return 0;
}

static int for_moved_data(struct resize_relocating *relocating, each_part *each,
                          struct error *error)
{
    const struct ext4_block_map *map = &relocating->map;
    uint64_t last = 0;

    for (size_t i = 0; i < map->count; i++) {
        struct ext4_run run = {map->mappings[i].start, map->mappings[i].count};

        if (for_moved_run(relocating, run, &last, each, error))
            return -1;
    }
    return 0;
}

int resize_give_back(struct resize_relocating *relocating, struct ext4_run run, struct error *error)
{
    if (run.start >= relocating->end)
        return 0;
    run.count = min_u64(run.count, relocating->end - run.start);
    return ext4_space_give_back(relocating->space, run, error);
}

static int change_space(struct resize_relocating *relocating, struct ext4_run from, uint64_t to,
                        struct error *error)
{
    return resize_give_back(relocating, from, error) ||
                   ext4_space_take(relocating->space, (struct ext4_run){to, from.count}, error)
               ? -1
               : 0;
}

/* The blocks of the tree: those that it keeps, then the new ones. */
static int change_nodes(struct resize_relocating *relocating,
                        const struct resize_moved_inode *entry, struct error *error)
{
    const struct resize_relocation *relocation = &relocating->plan->relocation;
    struct ext4_block_map *map = &relocating->map, *moved = &relocating->moved;
    uint32_t ratio = relocating->ext4->geometry.cluster_blocks;

    for (size_t i = 0; i < map->node_count; i++)
        if (resize_relocation_drops(relocation, map->nodes[i]) &&
            resize_give_back(relocating, (struct ext4_run){round_down(map->nodes[i], ratio), ratio},
                             error))
            return -1;
    for (uint32_t i = 0; i < entry->new_nodes; i++) {
        uint64_t node = relocation->nodes[entry->first_node + i];

        if (ext4_block_map_add_node(moved, node, error) ||
            ext4_space_take(relocating->space, (struct ext4_run){node, ratio}, error))
            return -1;
    }
    return 0;
}

/* What libext2fs has there. */
static void count_bad_blocks(struct resize_relocating *relocating)
{
    const struct ext4_block_map *moved = &relocating->moved;
    struct ext2_inode_large *inode = relocating->inode;
    uint64_t block_size = relocating->ext4->geometry.block_size, blocks = 0;

    for (size_t i = 0; i < moved->count; i++)
        blocks += moved->mappings[i].count;
    inode->i_size = (uint32_t)(blocks * block_size);
    inode->i_size_high = (uint32_t)(blocks * block_size >> 32);
    inode->i_blocks = (uint32_t)((blocks + moved->node_count) * (block_size / 512));
}

/* i_blocks and the owner's quota follow the number of nodes. */
static int count_nodes(struct resize_relocating *relocating, uint32_t number, struct error *error)
{
    struct ext4 *ext4 = relocating->ext4;
    struct ext2_inode_large *inode = relocating->inode;
    int64_t clusters = (int64_t)relocating->moved.node_count - (int64_t)relocating->map.node_count;
    int64_t blocks = clusters * ext4->geometry.cluster_blocks;
    bool in_blocks =
        ext2fs_has_feature_huge_file(ext4->fs->super) && inode->i_flags & EXT4_HUGE_FILE_FL;
    uint64_t count = inode->i_blocks;

    if (number == EXT2_BAD_INO)
        count_bad_blocks(relocating);
    if (clusters == 0 || number == EXT2_BAD_INO)
        return 0;
    if (ext2fs_has_feature_huge_file(ext4->fs->super))
        count |= (uint64_t)inode->osd2.linux2.l_i_blocks_hi << 32;
    if (ext4_quota_counts(ext4, number, inode) &&
        ext4_quota_add(ext4, inode, blocks * ext4->geometry.block_size, 0, error))
        return -1;
    count += (uint64_t)(in_blocks ? blocks : blocks * (ext4->geometry.block_size / 512));
    inode->i_blocks = (uint32_t)count;
    if (ext2fs_has_feature_huge_file(ext4->fs->super))
        inode->osd2.linux2.l_i_blocks_hi = (uint16_t)(count >> 32);
    return 0;
}

/* The superblock keeps a copy of where the journal is. */
static void copy_journal_map(struct ext4 *ext4, const struct ext2_inode_large *inode)
{
    struct ext2_super_block *super = ext4->fs->super;

    if (super->s_jnl_backup_type != EXT3_JNL_BACKUP_BLOCKS)
        return;
    memcpy(super->s_jnl_blocks, inode->i_block, sizeof inode->i_block);
    super->s_jnl_blocks[15] = inode->i_size_high;
    super->s_jnl_blocks[16] = inode->i_size;
}

static int write_inode(struct resize_relocating *relocating, uint32_t number, struct error *error)
{
    struct ext4 *ext4 = relocating->ext4;
    errcode_t code =
        ext2fs_write_inode_full(ext4->fs, number, (struct ext2_inode *)relocating->inode,
                                (int)EXT2_INODE_SIZE(ext4->fs->super));

    if (code)
        return ext4_set_error(error, &ext4->io, code, "cannot write inode %u", number);
    if (number == ext4->fs->super->s_journal_inum)
        copy_journal_map(ext4, relocating->inode);
    return 0;
}

int resize_relocate_inode(struct resize_relocating *relocating,
                          const struct resize_moved_inode *entry, struct error *error)
{
    const struct resize_relocation *relocation = &relocating->plan->relocation;
    uint32_t number = resize_number_of(relocating->plan, entry->number);
    struct ext4 *ext4 = relocating->ext4;

    return resize_relocation_read(relocation, ext4, number, relocating->inode, &relocating->map,
                                  error) ||
                   resize_relocation_remap(relocation, &relocating->map, &relocating->moved,
                                           error) ||
                   resize_copy_contents(relocating, number, error) ||
                   for_moved_data(relocating, change_space, error) ||
                   change_nodes(relocating, entry, error) ||
                   ext4_block_map_write(ext4, number, relocating->inode, &relocating->moved,
                                        error) ||
                   count_nodes(relocating, number, error) || write_inode(relocating, number, error)
               ? -1
               : 0;
}
