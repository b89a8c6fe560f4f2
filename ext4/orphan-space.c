#include "ext4/orphan-space.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "ext4/bitmaps.h"
#include "ext4/descriptors.h"

static int bad(struct error *error, const char *what, uint64_t value)
{
    error_set(error, ERROR_CORRUPT, "among what a deleted or truncated file had is %s %llu", what,
              (unsigned long long)value);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

/* With flex_bg, tables of many groups lie in a row: they become one run. */
static void add_own(struct orphan_space *space, uint64_t start, uint64_t count)
{
    struct ext4_run *last = space->own_count ? &space->own[space->own_count - 1] : NULL;

    if (count == 0)
        return;
    if (last && last->start + last->count == start)
        last->count += count;
    else
        space->own[space->own_count++] = (struct ext4_run){start, count};
}

static int list_own(struct orphan_space *space, struct error *error)
{
    const struct ext4_geometry *geometry = &space->ext4->geometry;
    ext2_filsys fs = space->ext4->fs;

    space->own = calloc((size_t)geometry->groups * 4, sizeof *space->own);
    if (!space->own)
        return error_set_no_memory(error);
    for (uint32_t group = 0; group < geometry->groups; group++) {
        struct ext4_run head = ext4_group_head(geometry, group);

        add_own(space, head.start, head.count);
    }
    for (uint32_t group = 0; group < geometry->groups; group++)
        add_own(space, ext2fs_block_bitmap_loc(fs, group), 1);
    for (uint32_t group = 0; group < geometry->groups; group++)
        add_own(space, ext2fs_inode_bitmap_loc(fs, group), 1);
    for (uint32_t group = 0; group < geometry->groups; group++)
        add_own(space, ext2fs_inode_table_loc(fs, group), geometry->inode_table_blocks);
    qsort(space->own, space->own_count, sizeof *space->own, ext4_run_compare);
    return 0;
}

int orphan_space_begin(struct ext4 *ext4, struct orphan_space *space, struct error *error)
{
    *space = (struct orphan_space){.ext4 = ext4};
    space->changed = calloc(ext4_descriptor_blocks(&ext4->geometry), sizeof *space->changed);
    if (!space->changed)
        return error_set_no_memory(error);
    for (size_t i = 0; i < ORPHAN_BITMAPS; i++) {
        space->bitmaps[i].bits = malloc(ext4->geometry.block_size);
        if (!space->bitmaps[i].bits)
            return error_set_no_memory(error);
    }
    return list_own(space, error);
}

void orphan_space_free(struct orphan_space *space)
{
    for (size_t i = 0; i < ORPHAN_BITMAPS; i++)
        free(space->bitmaps[i].bits);
    free(space->changed);
    free(space->own);
    *space = (struct orphan_space){0};
}

int orphan_space_check_run(const struct orphan_space *space, struct ext4_run run,
                           struct error *error)
{
    size_t low = 0, high = space->own_count;

    /* The first run that ends behind the start. */
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (space->own[middle].start + space->own[middle].count <= run.start)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < space->own_count && space->own[low].start < run.start + run.count)
        return bad(error,
                   "a block of the filesystem's own:", max_u64(space->own[low].start, run.start));
    return 0;
}

static uint32_t count_free(const struct orphan_space *space, const uint8_t *bits)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < space->ext4->geometry.group_inodes / 8; i++)
        used += (uint32_t)__builtin_popcount(bits[i]);
    return space->ext4->geometry.group_inodes - used;
}

static int write_inode_bitmap(struct orphan_space *space, struct orphan_bitmap *bitmap,
                              struct error *error)
{
    ext2_filsys fs = space->ext4->fs;
    errcode_t code;

    ext2fs_bg_free_inodes_count_set(fs, bitmap->group, count_free(space, bitmap->bits));
    ext2fs_inode_bitmap_csum_set(fs, bitmap->group, (char *)bitmap->bits,
                                 (int)space->ext4->geometry.group_inodes / 8);
    ext2fs_group_desc_csum_set(fs, bitmap->group);
    code =
        io_channel_write_blk64(fs->io, ext2fs_inode_bitmap_loc(fs, bitmap->group), 1, bitmap->bits);
    return code ? ext4_set_error(error, &space->ext4->io, code,
                                 "cannot write the inode bitmap of group %u", bitmap->group)
                : 0;
}

static int write_bitmap(struct orphan_space *space, struct orphan_bitmap *bitmap,
                        struct error *error)
{
    const struct ext4_geometry *geometry = &space->ext4->geometry;

    if (!bitmap->is_loaded || !bitmap->is_dirty)
        return 0;
    bitmap->is_dirty = false;
    space->changed[bitmap->group / geometry->descriptors] = true;
    return bitmap->of_inodes
               ? write_inode_bitmap(space, bitmap, error)
               : ext4_bitmap_write(geometry, space->ext4->fs, bitmap->group, bitmap->bits, error);
}

static int read_bitmap(struct orphan_space *space, struct orphan_bitmap *bitmap,
                       struct error *error)
{
    ext2_filsys fs = space->ext4->fs;
    errcode_t code;

    if (!bitmap->of_inodes)
        return ext4_bitmap_read(&space->ext4->geometry, fs, bitmap->group, bitmap->bits, error);
    if (space->ext4->geometry.has_group_checksums &&
        ext2fs_bg_flags_test(fs, bitmap->group, EXT2_BG_INODE_UNINIT)) {
        memset(bitmap->bits, 0, space->ext4->geometry.block_size);
        return 0;
    }
    code =
        io_channel_read_blk64(fs->io, ext2fs_inode_bitmap_loc(fs, bitmap->group), 1, bitmap->bits);
    return code ? ext4_set_error(error, &space->ext4->io, code,
                                 "cannot read the inode bitmap of group %u", bitmap->group)
                : 0;
}

/* Loads a bitmap in place of the one that wasn't used for the longest time. NULL sets error. */
static struct orphan_bitmap *load(struct orphan_space *space, uint32_t group, bool of_inodes,
                                  struct error *error)
{
    struct orphan_bitmap *bitmap = &space->bitmaps[0];

    for (size_t i = 0; i < ORPHAN_BITMAPS; i++) {
        struct orphan_bitmap *other = &space->bitmaps[i];

        if (other->is_loaded && other->group == group && other->of_inodes == of_inodes) {
            other->last_use = ++space->uses;
            return other;
        }
        if (other->last_use < bitmap->last_use)
            bitmap = other;
    }
    if (write_bitmap(space, bitmap, error))
        return NULL;
    bitmap->is_loaded = false;
    bitmap->group = group;
    bitmap->of_inodes = of_inodes;
    if (read_bitmap(space, bitmap, error))
        return NULL;
    bitmap->is_loaded = true;
    bitmap->last_use = ++space->uses;
    return bitmap;
}

static bool test_bit(const uint8_t *bits, uint32_t bit)
{
    return bits[bit / 8] >> bit % 8 & 1;
}

int orphan_space_has_inode(struct orphan_space *space, uint32_t number, bool *ret_has,
                           struct error *error)
{
    const struct ext4_geometry *geometry = &space->ext4->geometry;
    struct orphan_bitmap *bitmap = load(space, (number - 1) / geometry->group_inodes, true, error);

    if (!bitmap)
        return -1;
    *ret_has = test_bit(bitmap->bits, (number - 1) % geometry->group_inodes);
    return 0;
}

/* The clusters of a run within one group. */
static int release_in_group(struct orphan_space *space, uint32_t group, struct ext4_run run,
                            struct error *error)
{
    const struct ext4_geometry *geometry = &space->ext4->geometry;
    struct orphan_bitmap *bitmap = load(space, group, false, error);
    uint64_t start = run.start - ext4_group_start(geometry, group);

    if (!bitmap)
        return -1;
    for (uint64_t i = start / geometry->cluster_blocks;
         i <= (start + run.count - 1) / geometry->cluster_blocks; i++)
        if (!test_bit(bitmap->bits, (uint32_t)i))
            return bad(error, "a block that is free already:",
                       ext4_group_start(geometry, group) + i * geometry->cluster_blocks);
    ext4_bitmap_mark(geometry, group, bitmap->bits, run, false);
    bitmap->is_dirty = true;
    return 0;
}

int orphan_space_release(struct orphan_space *space, struct ext4_run run, struct error *error)
{
    const struct ext4_geometry *geometry = &space->ext4->geometry;

    if (orphan_space_check_run(space, run, error))
        return -1;
    while (run.count > 0) {
        uint32_t group = ext4_group_of(geometry, run.start);
        uint64_t end = ext4_group_start(geometry, group) + ext4_group_blocks(geometry, group);
        struct ext4_run part = {run.start, min_u64(run.count, end - run.start)};

        if (release_in_group(space, group, part, error))
            return -1;
        run.start += part.count;
        run.count -= part.count;
    }
    return 0;
}

int orphan_space_release_inode(struct orphan_space *space, uint32_t number, bool is_directory,
                               struct error *error)
{
    const struct ext4_geometry *geometry = &space->ext4->geometry;
    uint32_t group = (number - 1) / geometry->group_inodes;
    uint32_t bit = (number - 1) % geometry->group_inodes;
    struct orphan_bitmap *bitmap = load(space, group, true, error);
    uint32_t directories = ext2fs_bg_used_dirs_count(space->ext4->fs, group);

    if (!bitmap)
        return -1;
    if (!test_bit(bitmap->bits, bit))
        return bad(error, "an inode that is free already:", number);
    if (is_directory && directories == 0)
        return bad(error, "a directory, in a group that has none:", group);
    bitmap->bits[bit / 8] &= (uint8_t) ~(1u << bit % 8);
    bitmap->is_dirty = true;
    ext2fs_bg_used_dirs_count_set(space->ext4->fs, group, directories - is_directory);
    return 0;
}

static uint64_t descriptor_place(const struct ext4_geometry *geometry, uint32_t index)
{
    return index < geometry->flat_descriptor_blocks
               ? ext4_flat_descriptors_start(geometry, 0) + index
               : ext4_meta_descriptor_block(geometry, index, 0);
}

int orphan_space_write(struct orphan_space *space, struct error *error)
{
    const struct ext4_geometry *geometry = &space->ext4->geometry;

    for (size_t i = 0; i < ORPHAN_BITMAPS; i++)
        if (write_bitmap(space, &space->bitmaps[i], error))
            return -1;
    for (uint32_t i = 0; i < ext4_descriptor_blocks(geometry); i++)
        if (space->changed[i] &&
            ext4_write_descriptors(space->ext4->fs, descriptor_place(geometry, i), i, 1, error))
            return -1;
    return 0;
}
