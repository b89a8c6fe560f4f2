#include "resize/fixed.h"

#include "base/checked.h"

static const struct resize_table_move *find_table_move(const struct resize_table_moves *moves,
                                                       uint32_t group)
{
    size_t low = 0, high = moves ? moves->count : 0;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (moves->list[middle].group == group)
            return &moves->list[middle];
        if (moves->list[middle].group > group)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

struct resize_tables resize_tables_of(ext2_filsys fs, const struct resize_table_moves *moves,
                                      uint32_t group)
{
    const struct resize_table_move *move = find_table_move(moves, group);

    if (move)
        return move->to;
    return (struct resize_tables){
        .block_bitmap = ext2fs_block_bitmap_loc(fs, group),
        .inode_bitmap = ext2fs_inode_bitmap_loc(fs, group),
        .inode_table = ext2fs_inode_table_loc(fs, group),
    };
}

int resize_fixed_collect(const struct ext4_geometry *geometry, ext2_filsys fs,
                         const struct resize_table_moves *moves, struct resize_zones *ret_zones,
                         struct error *error)
{
    uint32_t groups = (uint32_t)min_u64(geometry->groups, fs->group_desc_count);

    for (uint32_t group = 0; group < groups; group++) {
        struct resize_tables tables = resize_tables_of(fs, moves, group);

        if (resize_zones_add(ret_zones, ext4_group_head(geometry, group), error) ||
            resize_zones_add(ret_zones, (struct ext4_run){tables.block_bitmap, 1}, error) ||
            resize_zones_add(ret_zones, (struct ext4_run){tables.inode_bitmap, 1}, error) ||
            resize_zones_add(ret_zones,
                             (struct ext4_run){tables.inode_table, geometry->inode_table_blocks},
                             error))
            return -1;
    }
    resize_zones_sort(ret_zones, geometry);
    return 0;
}

uint64_t resize_fixed_blocks(const struct resize_zones *zones, uint64_t end)
{
    uint64_t blocks = 0;

    for (size_t i = 0; i < zones->count && zones->runs[i].start < end; i++)
        blocks += min_u64(zones->runs[i].count, end - zones->runs[i].start);
    return blocks;
}

static int add_part(struct ext4_run part, void *context, struct error *error)
{
    return resize_zones_add(context, part, error);
}

int resize_fixed_difference(const struct resize_zones *a, const struct resize_zones *b,
                            uint64_t end, struct resize_zones *ret_zones, struct error *error)
{
    for (size_t i = 0; i < a->count && a->runs[i].start < end; i++) {
        struct ext4_run run = {a->runs[i].start, min_u64(a->runs[i].count, end - a->runs[i].start)};

        if (resize_zones_outside(b, run, add_part, ret_zones, error))
            return -1;
    }
    return 0;
}
