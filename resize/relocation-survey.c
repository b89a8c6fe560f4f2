/*
 * Finding what moves.
 */
#include <inttypes.h>

#include "base/array.h"
#include "base/checked.h"
#include "ext4/survey.h"
#include "resize/relocation-parts.h"

struct collection {
    struct ext4 *ext4;
    const struct resize_zones *zones;
    struct resize_relocation *relocation;
};

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
        if (start < end &&
            resize_add_move(relocation, (struct resize_move){start, RESIZE_NO_PLACE, end - start},
                            error))
            return -1;
        *ret_moves = true;
        run.count -= part.start + part.count - run.start;
        run.start = part.start + part.count;
    }
    return 0;
}

/* Of a mapping, the blocks in the zones that will be copied. */
static void count_copied(struct collection *collection, uint32_t number,
                         const struct ext4_mapping *mapping)
{
    uint64_t contents = resize_mapping_contents(collection->ext4, number, mapping);
    struct ext4_run run = {mapping->start, contents}, part;

    while (resize_zones_meet(collection->zones, run, &part)) {
        collection->relocation->copied += part.count;
        run.count -= part.start + part.count - run.start;
        run.start = part.start + part.count;
    }
}

/* Blocks of the tree that lie in the zones. */
static size_t count_zone_nodes(struct collection *collection, const struct ext4_block_map *map)
{
    struct ext4_run part;
    size_t count = 0;

    for (size_t i = 0; i < map->node_count; i++)
        count += resize_zones_meet(collection->zones, (struct ext4_run){map->nodes[i], 1}, &part);
    collection->relocation->zone_blocks += count * collection->ext4->geometry.cluster_blocks;
    return count;
}

/* What is marked as bad is bad where it is. */
static int collect_bad_blocks(struct collection *collection, const struct ext4_block_map *map,
                              struct error *error)
{
    struct resize_relocation *relocation = collection->relocation;
    bool is_rewritten = count_zone_nodes(collection, map) > 0;

    for (size_t i = 0; i < map->count; i++) {
        struct ext4_run run = {map->mappings[i].start, map->mappings[i].count}, part;
        uint64_t stays =
            run.start < relocation->end ? min_u64(run.count, relocation->end - run.start) : 0;

        relocation->unlisted += run.count - stays;
        run.count = stays;
        if (resize_zones_meet(collection->zones, run, &part)) {
            error_set(error, ERROR_UNSUPPORTED,
                      "block %" PRIu64 " is marked as bad, and the filesystem's tables need it",
                      part.start);
            return error_set_remedy(error,
                                    "empty the list of bad blocks with `e2fsck -L /dev/null`");
        }
    }
    return is_rewritten || relocation->unlisted > 0 ? add_inode(relocation, EXT2_BAD_INO, error)
                                                    : 0;
}

static int collect(const struct ext4_inode_view *view, void *context, struct error *error)
{
    struct collection *collection = context;
    const struct ext4_block_map *map = view->map;
    bool moves = false, xattr_moves = false, is_rewritten;

    if (view->number == EXT2_BAD_INO)
        return collect_bad_blocks(collection, map, error);
    for (size_t i = 0; i < map->count; i++) {
        if (add_run(collection, (struct ext4_run){map->mappings[i].start, map->mappings[i].count},
                    &moves, error))
            return -1;
        count_copied(collection, view->number, &map->mappings[i]);
    }
    is_rewritten = count_zone_nodes(collection, map) > 0 || moves ||
                   map->node_count > ext4_block_map_nodes_needed(collection->ext4, map);
    if (is_rewritten && add_inode(collection->relocation, view->number, error))
        return -1;
    if (view->xattr_block != 0 &&
        add_run(collection, (struct ext4_run){view->xattr_block, 1}, &xattr_moves, error))
        return -1;
    collection->relocation->copied += xattr_moves;
    return xattr_moves ? add_number(&collection->relocation->xattr_inodes, view->number, error) : 0;
}

static int add_single(struct collection *collection, uint64_t block, struct error *error)
{
    bool moves = false;

    if (add_run(collection, (struct ext4_run){block, 1}, &moves, error))
        return -1;
    collection->relocation->copied += moves;
    return 0;
}

/* Single blocks that no inode's map has: the resize inode's, and that of multiple-mount
 * protection. */
static int collect_special(struct collection *collection, struct error *error)
{
    ext2_filsys fs = collection->ext4->fs;
    struct ext2_inode inode = {0};
    errcode_t code = 0;

    if (ext2fs_has_feature_mmp(fs->super) && add_single(collection, fs->super->s_mmp_block, error))
        return -1;
    if (!collection->ext4->geometry.has_resize_inode)
        return 0;
    code = ext2fs_read_inode(fs, EXT2_RESIZE_INO, &inode);
    if (code)
        return ext4_set_error(error, &collection->ext4->io, code, "cannot read the resize inode");
    return add_single(collection, inode.i_block[EXT2_DIND_BLOCK], error);
}

/* A block of extended attributes that several inodes share came once for each. */
static void drop_repeated(struct resize_relocation *relocation)
{
    size_t kept = 0;

    resize_sort_moves_by_place(relocation);
    relocation->blocks = 0;
    for (size_t i = 0; i < relocation->move_count; i++) {
        const struct resize_move *last = kept ? &relocation->moves[kept - 1] : NULL;

        if (last && last->from + last->count > relocation->moves[i].from) {
            relocation->copied--;
            continue;
        }
        relocation->blocks += relocation->moves[i].count;
        relocation->moves[kept++] = relocation->moves[i];
    }
    relocation->move_count = kept;
}

int resize_relocation_survey(struct ext4 *ext4, const struct resize_zones *zones, uint64_t end,
                             struct resize_relocation *relocation, struct error *error)
{
    struct collection collection = {ext4, zones, relocation};

    relocation->end = end;
    if (ext4_survey(ext4, collect, &collection, error) || collect_special(&collection, error))
        return -1;
    drop_repeated(relocation);
    relocation->zone_blocks += relocation->blocks;
    return 0;
}
