#include "ext4/free-runs.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "ext4/bitmaps.h"

struct walk {
    struct ext4 *ext4;
    uint64_t start, end;     /* blocks */
    uint8_t *bitmap;         /* of the present group; block_size bytes */
    struct ext4_run pending; /* found, and yet to be visited: the next may continue it */
    ext4_free_run_visit *visit;
    void *context;
};

static int visit_pending(struct walk *walk, struct error *error)
{
    return walk->pending.count > 0 ? walk->visit(walk->pending, walk->context, error) : 0;
}

static int add_run(struct walk *walk, struct ext4_run run, struct error *error)
{
    if (walk->pending.count > 0 && walk->pending.start + walk->pending.count == run.start) {
        walk->pending.count += run.count;
        return 0;
    }
    if (visit_pending(walk, error))
        return -1;
    walk->pending = run;
    return 0;
}

/* An uninitialised group that lies in the range, and holds nothing of its own. */
static bool is_free_whole(struct walk *walk, uint32_t group)
{
    const struct ext4_geometry *geometry = &walk->ext4->geometry;
    uint64_t start = ext4_group_start(geometry, group);

    return start >= walk->start && start + ext4_group_blocks(geometry, group) <= walk->end &&
           geometry->has_group_checksums &&
           ext2fs_bg_flags_test(walk->ext4->fs, group, EXT2_BG_BLOCK_UNINIT) &&
           ext4_bitmap_implied_free(geometry, walk->ext4->fs, group, walk->bitmap) ==
               ext4_group_clusters(geometry, group);
}

/* What of the group lies outside of the range counts as used. */
static int read_bitmap(struct walk *walk, uint32_t group, struct error *error)
{
    const struct ext4_geometry *geometry = &walk->ext4->geometry;
    struct ext4_run before = {ext4_group_start(geometry, group), 0};
    struct ext4_run after = {walk->end, geometry->blocks - walk->end};

    if (ext4_bitmap_read(geometry, walk->ext4->fs, group, walk->bitmap, error))
        return -1;
    before.count = walk->start > before.start ? walk->start - before.start : 0;
    ext4_bitmap_mark(geometry, group, walk->bitmap, before, true);
    ext4_bitmap_mark(geometry, group, walk->bitmap, after, true);
    return 0;
}

static int walk_group(struct walk *walk, uint32_t group, struct error *error)
{
    const struct ext4_geometry *geometry = &walk->ext4->geometry;
    uint32_t clusters = ext4_group_clusters(geometry, group), first, end;
    uint64_t start = ext4_group_start(geometry, group);

    if (ext2fs_bg_free_blocks_count(walk->ext4->fs, group) == 0)
        return 0;
    if (is_free_whole(walk, group))
        return add_run(walk, (struct ext4_run){start, ext4_group_blocks(geometry, group)}, error);
    if (read_bitmap(walk, group, error))
        return -1;
    for (first = ext4_bitmap_next(walk->bitmap, 0, clusters, false); first < clusters;
         first = ext4_bitmap_next(walk->bitmap, end, clusters, false)) {
        end = ext4_bitmap_next(walk->bitmap, first, clusters, true);
        if (add_run(walk,
                    (struct ext4_run){start + (uint64_t)first * geometry->cluster_blocks,
                                      (uint64_t)(end - first) * geometry->cluster_blocks},
                    error))
            return -1;
    }
    return 0;
}

int ext4_free_runs_each(struct ext4 *ext4, uint64_t start, uint64_t end, ext4_free_run_visit *visit,
                        void *context, struct error *error)
{
    const struct ext4_geometry *geometry = &ext4->geometry;
    CLEANUP_FREE uint8_t *bitmap = malloc(geometry->block_size);
    struct walk walk = {ext4, start, end, bitmap, {0}, visit, context};

    if (!bitmap)
        return error_set_no_memory(error);
    for (uint32_t group = ext4_group_of(geometry, start);
         group < geometry->groups && ext4_group_start(geometry, group) < end; group++)
        if (walk_group(&walk, group, error))
            return -1;
    return visit_pending(&walk, error);
}
