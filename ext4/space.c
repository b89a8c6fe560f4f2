/*
 * A bitmap is kept as it will be; where it differs from the committed one, that
 * one is kept beside it until the commit. Bitmaps that didn't change may be
 * forgotten at any time, and are when too many are there.
 */
#include "ext4/space.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/bitmaps.h"
#include "ext4/descriptors.h"
#include "ext4/preflight.h"

/* Unchanged bitmaps beyond this many are forgotten. */
#define KEPT_BITMAPS 4096

struct group {
    uint8_t *current;   /* NULL: not read */
    uint8_t *committed; /* NULL: the same as current */
    bool changed;       /* not written yet */
};

struct ext4_space {
    struct ext4 *ext4;
    struct group *groups;
    bool *changed_descriptors; /* by descriptor block */
    uint32_t kept;             /* bitmaps in memory */
    uint32_t changed;          /* of them, those that differ from the committed ones */
};

struct ext4_space *ext4_space_new(struct ext4 *ext4, struct error *error)
{
    CLEANUP_FREE struct ext4_space *space = calloc(1, sizeof *space);
    struct ext4_space *result;

    if (space) {
        space->groups = calloc(ext4->geometry.groups, sizeof *space->groups);
        space->changed_descriptors =
            calloc(ext4_descriptor_blocks(&ext4->geometry), sizeof *space->changed_descriptors);
    }
    if (!space || !space->groups || !space->changed_descriptors) {
        if (space) {
            free(space->groups);
            free(space->changed_descriptors);
        }
        error_set_no_memory(error);
        return NULL;
    }
    space->ext4 = ext4;
    result = TAKE(space);
    ext4->io.space = result;
    return result;
}

static void forget(struct ext4_space *space, struct group *group)
{
    space->kept -= group->current != NULL;
    space->changed -= group->committed != NULL;
    free(group->current);
    free(group->committed);
    *group = (struct group){0};
}

void ext4_space_free(struct ext4_space *space)
{
    if (!space)
        return;
    for (uint32_t i = 0; i < space->ext4->geometry.groups; i++)
        forget(space, &space->groups[i]);
    space->ext4->io.space = NULL;
    free(space->groups);
    free(space->changed_descriptors);
    free(space);
}

static void forget_unchanged(struct ext4_space *space)
{
    for (uint32_t i = 0; i < space->ext4->geometry.groups; i++)
        if (!space->groups[i].changed && !space->groups[i].committed)
            forget(space, &space->groups[i]);
}

/* The group with its bitmap in memory. NULL sets error. */
static struct group *group_with_bitmap(struct ext4_space *space, uint32_t index,
                                       struct error *error)
{
    struct group *group = &space->groups[index];
    const struct ext4_geometry *geometry = &space->ext4->geometry;

    if (group->current)
        return group;
    if (space->kept - space->changed >= KEPT_BITMAPS)
        forget_unchanged(space);
    group->current = malloc(geometry->block_size);
    if (!group->current) {
        error_set_no_memory(error);
        return NULL;
    }
    space->kept++;
    if (ext4_bitmap_read(geometry, space->ext4->fs, index, group->current, error)) {
        forget(space, group);
        return NULL;
    }
    return group;
}

static int look_up(struct ext4_space *space, uint64_t block, bool committed, bool *ret_is_free,
                   struct error *error)
{
    const struct ext4_geometry *geometry = &space->ext4->geometry;
    uint32_t index = ext4_group_of(geometry, block);
    uint64_t cluster = (block - ext4_group_start(geometry, index)) / geometry->cluster_blocks;
    struct group *group = group_with_bitmap(space, index, error);
    const uint8_t *bitmap;

    if (!group)
        return -1;
    bitmap = committed && group->committed ? group->committed : group->current;
    *ret_is_free = !(bitmap[cluster / 8] >> cluster % 8 & 1u);
    return 0;
}

bool ext4_space_is_committed_free(struct ext4_space *space, uint64_t block)
{
    const struct ext4_geometry *geometry = &space->ext4->geometry;
    struct error ignored;
    bool is_free;

    return block >= geometry->first_block && block < geometry->blocks &&
           look_up(space, block, true, &is_free, &ignored) == 0 && is_free;
}

int ext4_space_is_free(struct ext4_space *space, uint64_t block, bool *ret_is_free,
                       struct error *error)
{
    return look_up(space, block, false, ret_is_free, error);
}

uint64_t ext4_space_alike(struct ext4_space *space, uint64_t offset, uint64_t size, bool *ret_used)
{
    uint64_t block_size = space->ext4->geometry.block_size;
    uint64_t end = round_down(offset, block_size) + block_size;

    *ret_used = !ext4_space_is_committed_free(space, offset / block_size);
    while (end < offset + size &&
           ext4_space_is_committed_free(space, end / block_size) != *ret_used)
        end += block_size;
    return min_u64(end - offset, size);
}

/* Keeps the committed bitmap before the first change. */
static int prepare_change(struct ext4_space *space, struct group *group, struct error *error)
{
    uint32_t block_size = space->ext4->geometry.block_size;

    group->changed = true;
    if (group->committed)
        return 0;
    group->committed = malloc(block_size);
    if (!group->committed)
        return error_set_no_memory(error);
    memcpy(group->committed, group->current, block_size);
    space->changed++;
    return 0;
}

int ext4_space_touch(struct ext4_space *space, uint32_t group, struct error *error)
{
    struct group *touched = group_with_bitmap(space, group, error);

    return touched ? prepare_change(space, touched, error) : -1;
}

static int change(struct ext4_space *space, struct ext4_run run, bool used, struct error *error)
{
    const struct ext4_geometry *geometry = &space->ext4->geometry;

    if (run.start < geometry->first_block || run.start >= geometry->blocks ||
        run.count > geometry->blocks - run.start)
        return error_set(error, ERROR_CORRUPT, "block %llu is outside of the filesystem",
                         (unsigned long long)run.start);
    while (run.count > 0) {
        uint32_t index = ext4_group_of(geometry, run.start);
        uint64_t group_start = ext4_group_start(geometry, index);
        uint64_t left = ext4_group_blocks(geometry, index) - (run.start - group_start);
        struct ext4_run part = {run.start, min_u64(run.count, left)};
        uint64_t first = (part.start - group_start) / geometry->cluster_blocks;
        uint64_t end = divide_up(part.start - group_start + part.count, geometry->cluster_blocks);
        struct group *group = group_with_bitmap(space, index, error);

        if (!group || prepare_change(space, group, error))
            return -1;
        if (ext4_bitmap_next(group->current, (uint32_t)first, (uint32_t)end, used) != end)
            return error_set(error, ERROR_CORRUPT, "%llu blocks from %llu on are not all %s",
                             (unsigned long long)part.count, (unsigned long long)part.start,
                             used ? "free" : "in use");
        ext4_bitmap_mark(geometry, index, group->current, part, used);
        run.start += part.count;
        run.count -= part.count;
    }
    return 0;
}

int ext4_space_take(struct ext4_space *space, struct ext4_run run, struct error *error)
{
    return change(space, run, true, error);
}

int ext4_space_give_back(struct ext4_space *space, struct ext4_run run, struct error *error)
{
    return change(space, run, false, error);
}

int ext4_space_write(struct ext4_space *space, struct error *error)
{
    const struct ext4_geometry *geometry = &space->ext4->geometry;
    ext2_filsys fs = space->ext4->fs;

    for (uint32_t i = 0; i < geometry->groups; i++) {
        struct group *group = &space->groups[i];

        if (group->changed) {
            if (ext4_bitmap_write(geometry, fs, i, group->current, error))
                return -1;
            group->changed = false;
            ext4_space_descriptor_changed(space, i);
        }
    }
    ext4_sum_free_counts(geometry, fs);
    return 0;
}

void ext4_space_descriptor_changed(struct ext4_space *space, uint32_t group)
{
    space->changed_descriptors[group / space->ext4->geometry.descriptors] = true;
}

int ext4_space_write_descriptors(struct ext4_space *space, struct error *error)
{
    const struct ext4_geometry *geometry = &space->ext4->geometry;
    ext2_filsys fs = space->ext4->fs;

    for (uint32_t i = 0; i < ext4_descriptor_blocks(geometry); i++) {
        if (!space->changed_descriptors[i])
            continue;
        if (ext4_write_descriptors(fs, ext4_descriptor_block(geometry, i), i, 1, error))
            return -1;
        space->changed_descriptors[i] = false;
    }
    return ext4_write_super(fs, error);
}

void ext4_space_committed(struct ext4_space *space)
{
    for (uint32_t i = 0; i < space->ext4->geometry.groups; i++) {
        free(space->groups[i].committed);
        space->groups[i].committed = NULL;
    }
    space->changed = 0;
}

uint32_t ext4_space_changed_groups(const struct ext4_space *space)
{
    return space->changed;
}
