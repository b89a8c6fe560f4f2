/*
 * Finding what moves, and a place for it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/survey.h"
#include "resize/relocation.h"

struct collection {
    struct ext4 *ext4;
    const struct resize_zones *zones;
    struct resize_relocation *relocation;
};

static int add_move(struct resize_relocation *relocation, struct resize_move move,
                    struct error *error)
{
    struct resize_move *larger = array_make_room(relocation->moves, relocation->move_count,
                                                 &relocation->move_capacity, sizeof *larger, error);

    if (!larger)
        return -1;
    relocation->moves = larger;
    larger[relocation->move_count++] = move;
    return 0;
}

static int add_inode(struct resize_relocation *relocation, uint32_t number, struct error *error)
{
    struct resize_moved_inode *larger =
        array_make_room(relocation->inodes, relocation->inode_count, &relocation->inode_capacity,
                        sizeof *larger, error);

    if (!larger)
        return -1;
    relocation->inodes = larger;
    larger[relocation->inode_count++] = (struct resize_moved_inode){.number = number};
    return 0;
}

static int add_number(struct resize_numbers *numbers, uint32_t number, struct error *error)
{
    uint32_t *larger =
        array_make_room(numbers->list, numbers->count, &numbers->capacity, sizeof *larger, error);

    if (!larger)
        return -1;
    numbers->list = larger;
    larger[numbers->count++] = number;
    return 0;
}

/* Adds the parts of a run that lie in the zones, as whole clusters. A cluster may come twice in a
 * row, of two mappings that share it. */
static int add_run(struct collection *collection, struct ext4_run run, bool *ret_moves,
                   struct error *error)
{
    struct resize_relocation *relocation = collection->relocation;
    uint32_t ratio = collection->ext4->geometry.cluster_blocks;
    struct ext4_run part;

    while (resize_zones_meet(collection->zones, run, &part)) {
        uint64_t start = round_down(part.start, ratio);
        uint64_t end = round_up(part.start + part.count, ratio);

        if (*ret_moves && ratio > 1) {
            const struct resize_move *last = &relocation->moves[relocation->move_count - 1];

            if (last->from + last->count == start + ratio)
                start += ratio;
        }
        if (start < end && add_move(relocation, (struct resize_move){start, 0, end - start}, error))
            return -1;
        *ret_moves = true;
        run.count -= part.start + part.count - run.start;
        run.start = part.start + part.count;
    }
    return 0;
}

static int refuse_bad_blocks(struct error *error)
{
    error_set(error, ERROR_UNSUPPORTED,
              "blocks that are marked as bad lie where the filesystem changes");
    return error_set_remedy(error, "empty the list of bad blocks with `e2fsck -L /dev/null`");
}

static int collect(const struct ext4_inode_view *view, void *context, struct error *error)
{
    struct collection *collection = context;
    const struct ext4_block_map *map = view->map;
    bool moves = false, xattr_moves = false;

    for (size_t i = 0; i < map->count; i++)
        if (add_run(collection, (struct ext4_run){map->mappings[i].start, map->mappings[i].count},
                    &moves, error))
            return -1;
    for (size_t i = 0; i < map->node_count; i++)
        if (add_run(collection, (struct ext4_run){map->nodes[i], 1}, &moves, error))
            return -1;
    if (moves && view->number == EXT2_BAD_INO)
        return refuse_bad_blocks(error);
    if (moves && add_inode(collection->relocation, view->number, error))
        return -1;
    if (view->xattr_block != 0 &&
        add_run(collection, (struct ext4_run){view->xattr_block, 1}, &xattr_moves, error))
        return -1;
    if (xattr_moves && add_number(&collection->relocation->xattr_inodes, view->number, error))
        return -1;
    return 0;
}

/* Single blocks that no inode's map has: the resize inode's, and that of multiple-mount
 * protection. */
static int collect_special(struct collection *collection, struct error *error)
{
    ext2_filsys fs = collection->ext4->fs;
    struct ext2_inode inode = {0};
    errcode_t code = 0;
    bool moves = false;

    if (ext2fs_has_feature_mmp(fs->super) &&
        add_run(collection, (struct ext4_run){fs->super->s_mmp_block, 1}, &moves, error))
        return -1;
    if (!collection->ext4->geometry.has_resize_inode)
        return 0;
    code = ext2fs_read_inode(fs, EXT2_RESIZE_INO, &inode);
    if (code)
        return ext4_set_error(error, &collection->ext4->io, code, "cannot read the resize inode");
    moves = false;
    return add_run(collection, (struct ext4_run){inode.i_block[EXT2_DIND_BLOCK], 1}, &moves, error);
}

static int compare_places(const void *a, const void *b)
{
    const struct resize_move *first = a, *second = b;

    return first->from < second->from ? -1 : first->from > second->from;
}

static int compare_lengths(const void *a, const void *b)
{
    const struct resize_move *first = a, *second = b;

    if (first->count != second->count)
        return first->count > second->count ? -1 : 1;
    return compare_places(a, b);
}

typedef int compare_moves(const void *a, const void *b);

/* More moves than these are sorted where they are: qsort takes the memory of all once more. */
#define SORTED_BY_COPY (UINT32_C(1) << 20)

static bool are_sorted(const struct resize_move *moves, size_t count, compare_moves *compare)
{
    size_t i = 1;

    while (i < count && compare(&moves[i - 1], &moves[i]) <= 0)
        i++;
    return i >= count;
}

/* Of a heap whose largest is the first: the move at index goes down to its place. */
static void sift_down(struct resize_move *moves, size_t index, size_t count, compare_moves *compare)
{
    struct resize_move move = moves[index];
    size_t child;

    while ((child = 2 * index + 1) < count) {
        if (child + 1 < count && compare(&moves[child], &moves[child + 1]) < 0)
            child++;
        if (compare(&move, &moves[child]) >= 0)
            break;
        moves[index] = moves[child];
        index = child;
    }
    moves[index] = move;
}

static void sort_in_place(struct resize_move *moves, size_t count, compare_moves *compare)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(moves, i, count, compare);
    while (count-- > 1) {
        struct resize_move largest = moves[0];

        moves[0] = moves[count];
        moves[count] = largest;
        sift_down(moves, 0, count, compare);
    }
}

static void sort_moves(struct resize_relocation *relocation, compare_moves *compare)
{
    size_t count = relocation->move_count;

    if (are_sorted(relocation->moves, count, compare))
        return;
    if (count > SORTED_BY_COPY)
        sort_in_place(relocation->moves, count, compare);
    else
        qsort(relocation->moves, count, sizeof *relocation->moves, compare);
}

/* A block of extended attributes that several inodes share came once for each. */
static void drop_repeated(struct resize_relocation *relocation)
{
    size_t kept = 0;

    sort_moves(relocation, compare_places);
    relocation->blocks = 0;
    for (size_t i = 0; i < relocation->move_count; i++) {
        const struct resize_move *last = kept ? &relocation->moves[kept - 1] : NULL;

        if (last && last->from + last->count > relocation->moves[i].from)
            continue;
        relocation->blocks += relocation->moves[i].count;
        relocation->moves[kept++] = relocation->moves[i];
    }
    relocation->move_count = kept;
}

int resize_relocation_survey(struct ext4 *ext4, const struct resize_zones *zones,
                             struct resize_relocation *relocation, struct error *error)
{
    struct collection collection = {ext4, zones, relocation};

    if (ext4_survey(ext4, collect, &collection, error) || collect_special(&collection, error))
        return -1;
    drop_repeated(relocation);
    return 0;
}

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

    sort_moves(relocation, compare_lengths);
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
            else if (add_move(relocation, piece, error))
                return -1;
            first = false;
            rest.from += run.count;
            rest.count -= run.count;
        }
    }
    sort_moves(relocation, compare_places);
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
