/* How many blocks a tree takes. */
#include <criterion/criterion.h>
#include <ext2fs/ext2fs.h>

#include "ext4/block-map.h"

static struct error error;

static void add(struct ext4_block_map *map, struct ext4_mapping mapping)
{
    cr_assert_eq(ext4_block_map_append(map, mapping, &error), 0, "%s", error.message);
}

/* A file of count mappings, each of blocks blocks and one block away from the next. */
static size_t nodes_needed(uint32_t block_size, bool has_extents, size_t count, uint64_t blocks,
                           bool unwritten, uint64_t first)
{
    struct struct_ext2_filsys fs = {.blocksize = block_size};
    struct ext4 ext4 = {.fs = &fs};
    struct ext4_block_map map = {.has_extents = has_extents};
    size_t needed;

    for (size_t i = 0; i < count; i++)
        add(&map, (struct ext4_mapping){first + i * (blocks + 1), 1000 + i * 2 * blocks, blocks,
                                        unwritten});
    needed = ext4_block_map_nodes_needed(&ext4, &map);
    ext4_block_map_free(&map);
    return needed;
}

Test(ext4_block_map_nodes, extent_trees_are_as_small_as_can_be)
{
    cr_expect_eq(nodes_needed(1024, true, 0, 1, false, 0), 0);
    cr_expect_eq(nodes_needed(1024, true, 4, 1, false, 0), 0);
    cr_expect_eq(nodes_needed(1024, true, 5, 1, false, 0), 1);
    cr_expect_eq(nodes_needed(1024, true, 4 * 84, 1, false, 0), 4);
    cr_expect_eq(nodes_needed(1024, true, 4 * 84 + 1, 1, false, 0), 5 + 1);
    cr_expect_eq(nodes_needed(1024, true, 4 * 84 * 84, 1, false, 0), 4 * 84 + 4);
    cr_expect_eq(nodes_needed(1024, true, 4 * 84 * 84 + 1, 1, false, 0), 4 * 84 + 1 + 5 + 1);
    cr_expect_eq(nodes_needed(4096, true, 4 * 340, 1, false, 0), 4);
    cr_expect_eq(nodes_needed(1024, true, 4, 32768, false, 0), 0);
    cr_expect_eq(nodes_needed(1024, true, 1, 4 * 32768 + 1, false, 0), 1);
    cr_expect_eq(nodes_needed(1024, true, 4, 32767, true, 0), 0);
    cr_expect_eq(nodes_needed(1024, true, 1, 4 * 32768, true, 0), 1);
}

Test(ext4_block_map_nodes, no_indirect_block_maps_nothing)
{
    cr_expect_eq(nodes_needed(1024, false, 0, 1, false, 0), 0);
    cr_expect_eq(nodes_needed(1024, false, 1, 12, false, 0), 0);
    cr_expect_eq(nodes_needed(1024, false, 1, 12 + 256, false, 0), 1);
    cr_expect_eq(nodes_needed(1024, false, 1, 12 + 256 + 1, false, 0), 1 + 2);
    cr_expect_eq(nodes_needed(1024, false, 1, 2, false, 12 + 255), 1 + 2);
    cr_expect_eq(nodes_needed(1024, false, 2, 256, false, 12 + 256), 1 + 3);
    cr_expect_eq(nodes_needed(1024, false, 1, 1, false, 12 + 256 + 65536), 3);
    cr_expect_eq(nodes_needed(1024, false, 2, 1, false, 12 + 256 + 65535), 2 + 3);
    cr_expect_eq(nodes_needed(1024, false, 1, 12 + 256 + 65536 + 65536 + 1, false, 0),
                 1 + 257 + 1 + 257 + 2);
}
