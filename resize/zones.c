#include "resize/zones.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/checked.h"

int resize_zones_add(struct resize_zones *zones, struct ext4_run run, struct error *error)
{
    struct ext4_run *larger;

    if (run.count == 0)
        return 0;
    larger = array_make_room(zones->runs, zones->count, &zones->capacity, sizeof *larger, error);
    if (!larger)
        return -1;
    zones->runs = larger;
    zones->runs[zones->count++] = run;
    return 0;
}

static uint64_t end_of(struct ext4_run run)
{
    return run.start + run.count;
}

void resize_zones_sort(struct resize_zones *zones, const struct ext4_geometry *geometry)
{
    size_t kept = 0;

    for (size_t i = 0; i < zones->count; i++) {
        uint64_t end = round_up(end_of(zones->runs[i]), geometry->cluster_blocks);

        zones->runs[i].start = round_down(zones->runs[i].start, geometry->cluster_blocks);
        zones->runs[i].count = end - zones->runs[i].start;
    }
    if (zones->count == 0)
        return;
    qsort(zones->runs, zones->count, sizeof *zones->runs, ext4_run_compare);
    for (size_t i = 1; i < zones->count; i++) {
        struct ext4_run *last = &zones->runs[kept];

        if (zones->runs[i].start <= end_of(*last))
            last->count = max_u64(end_of(*last), end_of(zones->runs[i])) - last->start;
        else
            zones->runs[++kept] = zones->runs[i];
    }
    zones->count = kept + 1;
}

void resize_zones_free(struct resize_zones *zones)
{
    free(zones->runs);
    *zones = (struct resize_zones){0};
}

/* The first zone that ends behind block. */
static size_t find_zone(const struct resize_zones *zones, uint64_t block)
{
    size_t low = 0, high = zones->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (end_of(zones->runs[middle]) > block)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool resize_zones_meet(const struct resize_zones *zones, struct ext4_run run,
                       struct ext4_run *ret_part)
{
    size_t i = find_zone(zones, run.start);

    if (run.count == 0 || i == zones->count || zones->runs[i].start >= end_of(run))
        return false;
    ret_part->start = max_u64(zones->runs[i].start, run.start);
    ret_part->count = min_u64(end_of(zones->runs[i]), end_of(run)) - ret_part->start;
    return true;
}

int resize_zones_outside(const struct resize_zones *zones, struct ext4_run run,
                         resize_zones_each *each, void *context, struct error *error)
{
    while (run.count > 0) {
        struct ext4_run inside = {end_of(run), 0};

        resize_zones_meet(zones, run, &inside);
        if (inside.start > run.start &&
            each((struct ext4_run){run.start, inside.start - run.start}, context, error))
            return -1;
        run.count = end_of(run) - end_of(inside);
        run.start = end_of(inside);
    }
    return 0;
}
