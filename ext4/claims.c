#include "ext4/claims.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "base/guid.h"
#include "ext4/bitmaps.h"

/* One of a sequence that is known only to who knows state (splitmix64, Steele and others 2014). */
static uint64_t next_weight(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void fill_weights(struct ext4_claims *claims)
{
    struct guid secret;
    uint64_t state;

    guid_generate(&secret);
    state = get_le64(secret.bytes) ^ get_le64(secret.bytes + 8) << 1;
    for (uint32_t i = 0; i < claims->geometry->group_clusters; i++)
        claims->weights[i + 1] = claims->weights[i] + next_weight(&state);
}

int ext4_claims_init(struct ext4_claims *claims, const struct ext4_geometry *geometry,
                     struct error *error)
{
    claims->geometry = geometry;
    claims->groups = calloc(geometry->groups, sizeof *claims->groups);
    claims->weights = calloc((size_t)geometry->group_clusters + 1, sizeof *claims->weights);
    if (!claims->groups || !claims->weights)
        return error_set_no_memory(error);
    fill_weights(claims);
    return 0;
}

void ext4_claims_free(struct ext4_claims *claims)
{
    free(claims->groups);
    free(claims->weights);
    *claims = (struct ext4_claims){0};
}

/* Takes in positions [first, end) of a group. */
static void add_positions(const struct ext4_claims *claims, struct claim_sums *sums, uint64_t first,
                          uint64_t end)
{
    sums->count += end - first;
    sums->weight += claims->weights[end] - claims->weights[first];
}

void ext4_claims_add(struct ext4_claims *claims, struct ext4_run run)
{
    const struct ext4_geometry *geometry = claims->geometry;

    while (run.count > 0) {
        uint32_t group = ext4_group_of(geometry, run.start);
        uint64_t start = run.start - ext4_group_start(geometry, group);
        uint64_t count = min_u64(run.count, geometry->group_blocks - start);

        if (geometry->cluster_blocks == 1)
            add_positions(claims, &claims->groups[group], start, start + count);
        else
            add_positions(claims, &claims->groups[group], start / geometry->cluster_blocks,
                          divide_up(start + count, geometry->cluster_blocks));
        run.start += count;
        run.count -= count;
    }
}

/* A run of whole clusters that the runs lie in, one behind the other, which are claimed when a run
 * comes that doesn't touch them. */
struct pending {
    struct ext4_claims *claims;
    struct ext4_run clusters;
};

static void add_run(struct pending *pending, struct ext4_run run)
{
    uint64_t size = pending->claims->geometry->cluster_blocks;
    struct ext4_run *clusters = &pending->clusters;
    uint64_t first = round_down(run.start, size), end = round_up(run.start + run.count, size);

    if (clusters->count == 0 || first < clusters->start ||
        first > clusters->start + clusters->count) {
        ext4_claims_add(pending->claims, *clusters);
        *clusters = (struct ext4_run){first, end - first};
    } else if (end > clusters->start + clusters->count) {
        clusters->count = end - clusters->start;
    }
}

/* With bigalloc, first_block is 0: clusters begin at multiples of their size. */
static void add_clustered_map(struct ext4_claims *claims, const struct ext4_block_map *map)
{
    uint64_t size = claims->geometry->cluster_blocks, last = UINT64_MAX;

    for (size_t i = 0; i < map->count; i++) {
        uint64_t first = map->mappings[i].start / size;
        uint64_t end = divide_up(map->mappings[i].start + map->mappings[i].count, size);

        if (first == last)
            first++;
        if (end > first)
            ext4_claims_add(claims, (struct ext4_run){first * size, (end - first) * size});
        last = end - 1;
    }
}

void ext4_claims_add_map(struct ext4_claims *claims, const struct ext4_block_map *map)
{
    if (claims->geometry->cluster_blocks > 1)
        add_clustered_map(claims, map);
    else
        for (size_t i = 0; i < map->count; i++)
            ext4_claims_add(claims,
                            (struct ext4_run){map->mappings[i].start, map->mappings[i].count});
    for (size_t i = 0; i < map->node_count; i++)
        ext4_claims_add(claims, (struct ext4_run){map->nodes[i], 1});
}

#define RUNS_PER_GROUP 4

/* Head and tables of a group. Returns how many runs they are. */
static size_t metadata_of(const struct ext4_geometry *geometry, ext2_filsys fs, uint32_t group,
                          struct ext4_run runs[RUNS_PER_GROUP])
{
    runs[0] = (struct ext4_run){ext2fs_block_bitmap_loc(fs, group), 1};
    runs[1] = (struct ext4_run){ext2fs_inode_bitmap_loc(fs, group), 1};
    runs[2] = (struct ext4_run){ext2fs_inode_table_loc(fs, group), geometry->inode_table_blocks};
    runs[3] = ext4_group_head(geometry, group);
    return runs[3].count > 0 ? 4 : 3;
}

/* Only where a block is no cluster can two of the runs share one: else they are disjoint, which
 * opening has checked. */
static int add_clustered_metadata(struct ext4_claims *claims, ext2_filsys fs, struct error *error)
{
    const struct ext4_geometry *geometry = claims->geometry;
    CLEANUP_FREE struct ext4_run *runs =
        calloc((size_t)geometry->groups * RUNS_PER_GROUP, sizeof *runs);
    struct pending pending = {.claims = claims};
    size_t count = 0;

    if (!runs)
        return error_set_no_memory(error);
    for (uint32_t group = 0; group < geometry->groups; group++)
        count += metadata_of(geometry, fs, group, runs + count);
    qsort(runs, count, sizeof *runs, ext4_run_compare);
    for (size_t i = 0; i < count; i++)
        add_run(&pending, runs[i]);
    ext4_claims_add(claims, pending.clusters);
    return 0;
}

int ext4_claims_add_metadata(struct ext4_claims *claims, ext2_filsys fs, struct error *error)
{
    if (claims->geometry->cluster_blocks > 1)
        return add_clustered_metadata(claims, fs, error);
    for (uint32_t group = 0; group < claims->geometry->groups; group++) {
        struct ext4_run runs[RUNS_PER_GROUP];
        size_t count = metadata_of(claims->geometry, fs, group, runs);

        for (size_t i = 0; i < count; i++)
            ext4_claims_add(claims, runs[i]);
    }
    return 0;
}

/* The next bit from bit on that is set, or clear; count where there is none. */
static uint32_t find_bit(const uint8_t *bitmap, uint32_t bit, uint32_t count, bool set)
{
    while (bit < count) {
        uint64_t word;

        memcpy(&word, bitmap + bit / 64 * 8, sizeof word);
        word = (set ? word : ~word) >> bit % 64;
        if (word != 0)
            return (uint32_t)min_u64(bit + (uint32_t)__builtin_ctzll(word), count);
        bit = (bit / 64 + 1) * 64;
    }
    return count;
}

static struct claim_sums sums_of_bitmap(const struct ext4_claims *claims, const uint8_t *bitmap,
                                        uint32_t clusters)
{
    struct claim_sums sums = {0};
    uint32_t end;

    for (uint32_t first = find_bit(bitmap, 0, clusters, true); first < clusters;
         first = find_bit(bitmap, end, clusters, true)) {
        end = find_bit(bitmap, first, clusters, false);
        add_positions(claims, &sums, first, end);
    }
    return sums;
}

static int differ(struct error *error, uint32_t group, uint64_t claimed, uint64_t used)
{
    if (claimed == used)
        error_set(error, ERROR_CORRUPT,
                  "group %" PRIu32 ": the %" PRIu64 " clusters that its block bitmap has as used "
                  "aren't those that inodes and metadata claim",
                  group, used);
    else
        error_set(error, ERROR_CORRUPT,
                  "group %" PRIu32 ": inodes and metadata claim %" PRIu64
                  " clusters, its block bitmap has %" PRIu64 " as used",
                  group, claimed, used);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

int ext4_claims_compare(const struct ext4_claims *claims, ext2_filsys fs, struct error *error)
{
    const struct ext4_geometry *geometry = claims->geometry;
    CLEANUP_FREE uint8_t *bitmap = malloc(geometry->block_size);

    if (!bitmap)
        return error_set_no_memory(error);
    for (uint32_t group = 0; group < geometry->groups; group++) {
        const struct claim_sums *claimed = &claims->groups[group];
        struct claim_sums used;

        if (ext4_bitmap_read(geometry, fs, group, bitmap, error))
            return -1;
        used = sums_of_bitmap(claims, bitmap, ext4_group_clusters(geometry, group));
        if (used.count != claimed->count || used.weight != claimed->weight)
            return differ(error, group, claimed->count, used.count);
    }
    return 0;
}
