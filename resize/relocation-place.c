/*
 * A place for what moves.
 */
#include <stdlib.h>

#include "base/array.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "resize/relocation-parts.h"

struct placing {
    struct ext4 *ext4;
    struct resize_relocation *relocation;
    struct resize_pool *early, *late;
    uint64_t missing; /* blocks */
};

/* One run for count blocks or fewer; whole before split, early before late. */
static int take_run(struct placing *placing, uint64_t count, struct ext4_run *ret_run,
                    struct error *error)
{
    if (resize_pool_take_whole(placing->early, count, ret_run, error))
        return -1;
    if (ret_run->count == 0 && resize_pool_take_whole(placing->late, count, ret_run, error))
        return -1;
    if (ret_run->count == 0 && resize_pool_take(placing->early, count, ret_run, error))
        return -1;
    if (ret_run->count == 0 && resize_pool_take(placing->late, count, ret_run, error))
        return -1;
    return 0;
}

static int place_runs(struct placing *placing, struct error *error)
{
    struct resize_relocation *relocation = placing->relocation;
    size_t count = relocation->move_count;

    resize_sort_moves_by_length(relocation);
    for (size_t i = 0; i < count; i++) {
        struct resize_move rest = relocation->moves[i];
        bool first = true;

        while (rest.count > 0) {
            struct resize_move piece = rest;
            struct ext4_run run;

            if (take_run(placing, rest.count, &run, error))
                return -1;
            if (run.count == 0) {
                placing->missing += rest.count;
                break;
            }
            piece.to = run.start;
            piece.count = run.count;
            if (first)
                relocation->moves[i] = piece;
            else if (resize_add_move(relocation, piece, error))
                return -1;
            first = false;
            rest.from += run.count;
            rest.count -= run.count;
        }
    }
    resize_sort_moves_by_place(relocation);
    return 0;
}

static int add_extra_node(struct placing *placing, struct error *error)
{
    struct resize_relocation *relocation = placing->relocation;
    uint32_t cluster_blocks = placing->ext4->geometry.cluster_blocks;
    struct ext4_run run;
    uint64_t *larger;

    if (take_run(placing, cluster_blocks, &run, error))
        return -1;
    if (run.count == 0)
        placing->missing += cluster_blocks;
    larger = array_make_room(relocation->nodes, relocation->node_count, &relocation->node_capacity,
                             sizeof *larger, error);
    if (!larger)
        return -1;
    relocation->nodes = larger;
    larger[relocation->node_count++] = run.start;
    return 0;
}

/* Runs that had to be split make some trees larger. */
static int place_extra_nodes(struct placing *placing, struct error *error)
{
    struct ext4 *ext4 = placing->ext4;
    struct resize_relocation *relocation = placing->relocation;
    CLEANUP_FREE struct ext2_inode_large *inode = malloc(EXT2_INODE_SIZE(ext4->fs->super));
    CLEANUP(ext4_block_map_free) struct ext4_block_map map = {0};
    CLEANUP(ext4_block_map_free) struct ext4_block_map moved = {0};

    if (!inode)
        return error_set_no_memory(error);
    for (size_t i = 0; i < relocation->inode_count; i++) {
        struct resize_moved_inode *entry = &relocation->inodes[i];
        size_t needed;

        if (resize_read_inode(ext4, entry->number, inode, &map, error) ||
            resize_relocation_remap(relocation, &map, &moved, error))
            return -1;
        needed = ext4_block_map_nodes_needed(ext4, &moved);
        for (entry->extra_nodes = 0; map.node_count + entry->extra_nodes < needed;
             entry->extra_nodes++)
            if (add_extra_node(placing, error))
                return -1;
    }
    return 0;
}

int resize_relocation_place(struct ext4 *ext4, struct resize_relocation *relocation,
                            struct resize_pool *early, struct resize_pool *late,
                            uint64_t *ret_missing, struct error *error)
{
    struct placing placing = {ext4, relocation, early, late, 0};
    int result = 0;

    if (relocation->move_count > 0)
        result = place_runs(&placing, error);
    if (result == 0 && placing.missing == 0)
        result = place_extra_nodes(&placing, error);
    *ret_missing = placing.missing;
    return result;
}
