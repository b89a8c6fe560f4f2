/*
 * A place for what moves: first the runs, then trees, whose size follows from
 * where the runs lie. What trees drop can be used only when the inode has been rewritten, so by
 * what moves late: it serves a second round for what had no place in the first.
 */
#include <stdlib.h>

#include "base/array.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "resize/relocation-parts.h"

struct placing {
    struct ext4 *ext4;
    struct resize_relocation *relocation;
    struct resize_room *room;
    bool *has_tree;              /* by index of the relocation's inodes: its tree has its place */
    struct resize_zones offered; /* what trees drop, of inodes that don't move late */
    uint64_t freed;              /* blocks that trees leave outside the zones, and late hasn't */
    uint64_t runs_missing;       /* blocks; */
    uint64_t trees_missing;      /* of trees whose inode's runs have places */
    struct ext2_inode_large *inode; /* work space, as are the maps */
    struct ext4_block_map map, moved;
};

static void cleanup_placing(struct placing *placing)
{
    free(placing->has_tree);
    resize_zones_free(&placing->offered);
    free(placing->inode);
    ext4_block_map_free(&placing->map);
    ext4_block_map_free(&placing->moved);
}

/* One run for count blocks or fewer; whole before split, early before late. */
static int take_run(struct resize_room *room, uint64_t count, struct ext4_run *ret_run,
                    struct error *error)
{
    if (resize_pool_take_whole(&room->early, count, ret_run, error))
        return -1;
    if (ret_run->count == 0 && resize_pool_take_whole(&room->late, count, ret_run, error))
        return -1;
    if (ret_run->count == 0 && resize_pool_take(&room->early, count, ret_run, error))
        return -1;
    if (ret_run->count == 0 && resize_pool_take(&room->late, count, ret_run, error))
        return -1;
    return 0;
}

/* What has no place in the end is a move of its own, without one. */
static int place_run(struct placing *placing, size_t index, struct error *error)
{
    struct resize_relocation *relocation = placing->relocation;
    struct resize_move rest = relocation->moves[index];
    bool is_first = true;

    while (rest.count > 0) {
        struct resize_move piece = rest;
        struct ext4_run run;

        if (take_run(placing->room, rest.count, &run, error))
            return -1;
        if (run.count > 0) {
            piece.to = run.start;
            piece.count = run.count;
        } else {
            placing->runs_missing += rest.count;
        }
        if (is_first)
            relocation->moves[index] = piece;
        else if (resize_add_move(relocation, piece, error))
            return -1;
        is_first = false;
        rest.from += piece.count;
        rest.count -= piece.count;
    }
    return 0;
}

static int place_runs(struct placing *placing, struct error *error)
{
    struct resize_relocation *relocation = placing->relocation;
    size_t count = relocation->move_count;

    placing->runs_missing = 0;
    resize_sort_moves_by_length(relocation);
    for (size_t i = 0; i < count; i++)
        if (relocation->moves[i].to == RESIZE_NO_PLACE && place_run(placing, i, error))
            return -1;
    resize_sort_moves_by_place(relocation);
    return 0;
}

/* Whether all data of the inode whose map is read has a place. */
static bool has_places(const struct placing *placing)
{
    for (size_t i = 0; placing->runs_missing > 0 && i < placing->map.count; i++) {
        struct ext4_run run = {placing->map.mappings[i].start, placing->map.mappings[i].count};
        struct ext4_run part;
        uint64_t to;

        while (resize_relocation_meet(placing->relocation, run, &part, &to)) {
            if (to >= RESIZE_NO_PLACE)
                return false;
            run.count -= part.start + part.count - run.start;
            run.start = part.start + part.count;
        }
    }
    return true;
}

static bool is_in_zone(const struct resize_zones *zones, uint64_t block)
{
    struct ext4_run part;

    return resize_zones_meet(zones, (struct ext4_run){block, 1}, &part);
}

/* Whether any of it goes to a late place: the places of data and of new nodes are known. Bad blocks
 * stay listed until those that go are gone. */
static bool goes_late(const struct placing *placing, const struct resize_moved_inode *entry)
{
    const struct resize_zones *late = placing->room->late_zones;
    const struct ext4_block_map *moved = &placing->moved;
    struct ext4_run part;

    if (entry->number == EXT2_BAD_INO)
        return true;
    if (!late)
        return false;
    for (size_t i = 0; i < moved->count; i++)
        if (resize_zones_meet(
                late, (struct ext4_run){moved->mappings[i].start, moved->mappings[i].count}, &part))
            return true;
    for (uint32_t i = 0; i < entry->new_nodes; i++)
        if (is_in_zone(late, placing->relocation->nodes[entry->first_node + i]))
            return true;
    return false;
}

static int add_nodes(struct placing *placing, struct resize_moved_inode *entry, size_t count,
                     struct error *error)
{
    struct resize_relocation *relocation = placing->relocation;

    if (count > INT32_MAX)
        return error_set(error, ERROR_UNSUPPORTED, "inode %u has too large a tree", entry->number);
    entry->first_node = relocation->node_count;
    entry->new_nodes = (uint32_t)count & INT32_MAX; /* as the compiler wants it for a bit-field */
    for (size_t i = 0; i < count; i++) {
        uint64_t *larger = array_make_room(relocation->nodes, relocation->node_count,
                                           &relocation->node_capacity, sizeof *larger, error);
        struct ext4_run run;

        if (!larger)
            return -1;
        relocation->nodes = larger;
        if (take_run(placing->room, placing->ext4->geometry.cluster_blocks, &run, error))
            return -1;
        larger[relocation->node_count++] = run.start;
    }
    return 0;
}

static int drop(struct placing *placing, uint64_t node, bool is_offered, struct error *error)
{
    struct resize_relocation *relocation = placing->relocation;
    uint32_t ratio = placing->ext4->geometry.cluster_blocks;
    uint64_t *larger = array_make_room(relocation->dropped, relocation->dropped_count,
                                       &relocation->dropped_capacity, sizeof *larger, error);

    if (!larger)
        return -1;
    relocation->dropped = larger;
    larger[relocation->dropped_count++] = node;
    return is_offered ? resize_zones_add(&placing->offered,
                                         (struct ext4_run){round_down(node, ratio), ratio}, error)
                      : 0;
}

/* Of the nodes that lie in no zone, the first so many stay. */
static int drop_nodes(struct placing *placing, const struct resize_moved_inode *entry, size_t kept,
                      struct error *error)
{
    const struct ext4_block_map *map = &placing->map;
    bool is_offered = placing->room->late_zones && !entry->goes_late;

    for (size_t i = 0; i < map->node_count; i++) {
        if (is_in_zone(placing->room->zones, map->nodes[i])) {
            if (drop(placing, map->nodes[i], false, error))
                return -1;
        } else if (kept > 0) {
            kept--;
        } else {
            placing->freed += placing->ext4->geometry.cluster_blocks;
            if (drop(placing, map->nodes[i], is_offered, error))
                return -1;
        }
    }
    return 0;
}

static size_t count_staying_nodes(const struct placing *placing)
{
    size_t count = 0;

    for (size_t i = 0; i < placing->map.node_count; i++)
        count += !is_in_zone(placing->room->zones, placing->map.nodes[i]);
    return count;
}

/* Gives the tree of an inode whose data has places the nodes that it lacks; or none of them. */
static int place_tree(struct placing *placing, size_t index, struct error *error)
{
    struct resize_moved_inode *entry = &placing->relocation->inodes[index];
    const struct resize_room *room = placing->room;
    size_t needed, staying, wanted;
    uint64_t wanted_blocks;

    if (resize_relocation_read(placing->relocation, placing->ext4, entry->number, placing->inode,
                               &placing->map, error))
        return -1;
    if (!has_places(placing))
        return 0;
    if (resize_relocation_remap_data(placing->relocation, &placing->map, &placing->moved, error))
        return -1;
    needed = ext4_block_map_nodes_needed(placing->ext4, &placing->moved);
    staying = count_staying_nodes(placing);
    wanted = needed > staying ? needed - staying : 0;
    wanted_blocks = (uint64_t)wanted * placing->ext4->geometry.cluster_blocks;
    if (wanted_blocks > room->early.blocks + room->late.blocks) {
        placing->trees_missing += wanted_blocks;
        return 0;
    }
    placing->has_tree[index] = true;
    if (add_nodes(placing, entry, wanted, error))
        return -1;
    entry->goes_late = goes_late(placing, entry);
    return drop_nodes(placing, entry, needed - wanted, error);
}

static int place_trees(struct placing *placing, struct error *error)
{
    placing->trees_missing = 0;
    for (size_t i = 0; i < placing->relocation->inode_count; i++)
        if (!placing->has_tree[i] && place_tree(placing, i, error))
            return -1;
    return 0;
}

static bool is_incomplete(const struct placing *placing)
{
    return placing->runs_missing > 0 || placing->trees_missing > 0;
}

/* The first round's dropped nodes join what is free late. */
static int take_offered(struct placing *placing, struct error *error)
{
    struct resize_room *room = placing->room;

    for (size_t i = 0; i < placing->offered.count; i++) {
        if (resize_pool_add(&room->late, placing->offered.runs[i], error) ||
            resize_zones_add(room->late_zones, placing->offered.runs[i], error))
            return -1;
        placing->freed -= placing->offered.runs[i].count;
    }
    resize_zones_sort(room->late_zones, &placing->ext4->geometry);
    return 0;
}

static int place_all(struct placing *placing, struct error *error)
{
    if (place_runs(placing, error) || place_trees(placing, error))
        return -1;
    if (!is_incomplete(placing) || placing->offered.count == 0)
        return 0;
    return take_offered(placing, error) || place_runs(placing, error) || place_trees(placing, error)
               ? -1
               : 0;
}

static int compare_blocks(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

    return first < second ? -1 : first > second;
}

int resize_relocation_place(struct ext4 *ext4, struct resize_relocation *relocation,
                            struct resize_room *room, uint64_t *ret_missing, struct error *error)
{
    CLEANUP(cleanup_placing)
    struct placing placing = {
        .ext4 = ext4,
        .relocation = relocation,
        .room = room,
        .has_tree = calloc(relocation->inode_count + 1, sizeof(bool)),
        .inode = malloc(EXT2_INODE_SIZE(ext4->fs->super)),
    };
    uint64_t missing, left;

    if (!placing.has_tree || !placing.inode)
        return error_set_no_memory(error);
    if (place_all(&placing, error))
        return -1;
    if (relocation->dropped_count > 0)
        qsort(relocation->dropped, relocation->dropped_count, sizeof *relocation->dropped,
              compare_blocks);
    missing = placing.runs_missing + placing.trees_missing;
    left = room->early.blocks + room->late.blocks;
    relocation->spare = left + placing.freed;
    *ret_missing = !is_incomplete(&placing) ? 0 : missing > left ? missing - left : 1;
    return 0;
}
