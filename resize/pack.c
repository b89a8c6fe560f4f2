/*
 * Which units to empty follows from counts alone. What moves, where to, and how much
 * larger trees become shows when it has places; where there is no room for the trees' new
 * blocks, fewer units are emptied, and places are given anew.
 */
#include "resize/pack.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "resize/make-room.h"
#include "resize/pack-units.h"

struct packing {
    struct ext4 *ext4;
    struct resize_units units;
    struct resize_unit **candidates; /* in the order in which they are emptied */
    size_t candidate_count;
    size_t empty;   /* the first so many of them are empty already */
    size_t emptied; /* the first so many of them are to be */
    struct resize_zones zones;
    struct resize_room room;
    struct resize_relocation relocation;
};

static void cleanup_packing(struct packing *packing)
{
    resize_units_free(&packing->units);
    free(packing->candidates);
    resize_zones_free(&packing->zones);
    resize_pool_free(&packing->room.early);
    resize_relocation_free(&packing->relocation);
}

void resize_packing_free(struct resize_packing *packing)
{
    resize_plan_free(&packing->plan);
    resize_zones_free(&packing->emptied);
}

/* What is empty comes first; then what costs least; of the same cost, what lies at the end. */
static int compare_candidates(const void *a, const void *b)
{
    const struct resize_unit *first = *(struct resize_unit *const *)a;
    const struct resize_unit *second = *(struct resize_unit *const *)b;

    if ((first->used == 0) != (second->used == 0))
        return first->used == 0 ? -1 : 1;
    if (first->cost != second->cost)
        return first->cost < second->cost ? -1 : 1;
    return first->index > second->index ? -1 : first->index < second->index;
}

static int compare_places(const void *a, const void *b)
{
    const struct resize_unit *first = *(struct resize_unit *const *)a;
    const struct resize_unit *second = *(struct resize_unit *const *)b;

    return first->place < second->place ? -1 : first->place > second->place;
}

static void list_candidates(struct packing *packing)
{
    for (size_t i = 0; i < packing->units.count; i++) {
        struct resize_unit *unit = &packing->units.list[i];

        unit->cost = unit->used;
        if (unit->is_fixed)
            continue;
        packing->candidates[packing->candidate_count++] = unit;
        packing->empty += unit->used == 0;
    }
}

static void sort_candidates(struct packing *packing)
{
    if (packing->candidate_count > 0)
        qsort(packing->candidates, packing->candidate_count, sizeof *packing->candidates,
              compare_candidates);
}

/* As many candidates as have room in what is left. */
static void choose(struct packing *packing)
{
    uint64_t room = 0, needed = 0;

    for (size_t i = 0; i < packing->units.count; i++)
        room += packing->units.list[i].room;
    for (packing->emptied = 0; packing->emptied < packing->candidate_count; packing->emptied++) {
        const struct resize_unit *unit = packing->candidates[packing->emptied];

        needed += unit->used;
        room -= unit->room;
        if (needed > room)
            return;
    }
}

/* So many units remain as are not emptied. What of them lies behind the first so many places of
 * the file is copied there as a whole when the file is packed, which emptying it spares. Half of
 * that counts: a full unit goes better as a whole, with its files in a row. */
static int count_places(struct packing *packing, struct error *error)
{
    struct resize_units *units = &packing->units;
    CLEANUP_FREE struct resize_unit **by_place =
        calloc(units->count + 1, sizeof(struct resize_unit *));

    if (!by_place)
        return error_set_no_memory(error);
    for (size_t i = 0; i < units->count; i++)
        by_place[i] = &units->list[i];
    if (units->count > 0)
        qsort(by_place, units->count, sizeof(struct resize_unit *), compare_places);
    for (size_t i = units->count - packing->emptied; i < units->count; i++)
        by_place[i]->cost -= (int64_t)(units->blocks / 2);
    return 0;
}

static int choose_candidates(struct packing *packing, struct error *error)
{
    packing->candidates = calloc(packing->units.count + 1, sizeof(struct resize_unit *));
    if (!packing->candidates)
        return error_set_no_memory(error);
    list_candidates(packing);
    sort_candidates(packing);
    choose(packing);
    if (count_places(packing, error))
        return -1;
    sort_candidates(packing);
    choose(packing);
    return 0;
}

/* The last of them stay after all, until there is room for so many blocks more. */
static void choose_fewer(struct packing *packing, uint64_t missing)
{
    uint64_t found = 0;

    while (packing->emptied > packing->empty && found < missing) {
        const struct resize_unit *unit = packing->candidates[--packing->emptied];

        found += unit->used + unit->room;
    }
}

static int add_to_pool(struct ext4_run run, void *context, struct error *error)
{
    return resize_pool_add(context, run, error);
}

/* What is to be empty, and where there is room. */
static int prepare(struct packing *packing, struct error *error)
{
    packing->zones.count = 0;
    for (size_t i = 0; i < packing->candidate_count; i++) {
        struct resize_unit *unit = packing->candidates[i];

        unit->is_emptied = i < packing->emptied;
        /* What is empty already may hold a journal, which stays. */
        if (unit->is_emptied && i >= packing->empty &&
            resize_zones_add(&packing->zones, resize_unit_run(&packing->units, unit), error))
            return -1;
    }
    resize_zones_sort(&packing->zones, &packing->ext4->geometry);
    resize_pool_free(&packing->room.early);
    if (resize_units_room(&packing->units, add_to_pool, &packing->room.early, error))
        return -1;
    resize_pool_reverse(&packing->room.early);
    return 0;
}

/* All that is in use where nothing is to be has to be among what moves. */
static int check_complete(const struct packing *packing, struct error *error)
{
    uint64_t used = 0;

    for (size_t i = 0; i < packing->emptied; i++)
        used += packing->candidates[i]->used;
    if (used == packing->relocation.zone_blocks)
        return 0;
    error_set(error, ERROR_CORRUPT,
              "%" PRIu64 " blocks of inodes were found where %" PRIu64 " are in use",
              packing->relocation.zone_blocks, used);
    return error_set_remedy(error, "run `e2fsck -f` on the filesystem");
}

/* Gives all that moves a place. *ret_missing: how many blocks have none. */
static int place(struct packing *packing, uint64_t *ret_missing, struct error *error)
{
    *ret_missing = 0;
    packing->room.zones = &packing->zones;
    resize_relocation_free(&packing->relocation);
    if (prepare(packing, error))
        return -1;
    if (packing->emptied == packing->empty)
        return 0;
    return resize_relocation_survey(packing->ext4, &packing->zones, packing->ext4->geometry.blocks,
                                    &packing->relocation, error) ||
                   check_complete(packing, error) ||
                   resize_relocation_place(packing->ext4, &packing->relocation, &packing->room,
                                           ret_missing, error)
               ? -1
               : 0;
}

/* Zones are whole clusters, and the filesystem may end within one. */
static void cut_off(struct resize_zones *zones, uint64_t end)
{
    struct ext4_run *last = zones->count > 0 ? &zones->runs[zones->count - 1] : NULL;

    if (last && last->start + last->count > end)
        last->count = end - last->start;
}

static void hand_over(struct packing *packing, struct resize_packing *ret_packing)
{
    const struct ext4_geometry *geometry = &packing->ext4->geometry;
    struct resize_plan *plan = &ret_packing->plan;

    *ret_packing = (struct resize_packing){
        .plan = {.old = *geometry, .new = *geometry, .relocation = packing->relocation},
        .emptied = packing->zones,
    };
    packing->relocation = (struct resize_relocation){0};
    packing->zones = (struct resize_zones){0};
    cut_off(&ret_packing->emptied, geometry->blocks);
    plan->write_bytes = resize_count_moved(packing->ext4, plan) * geometry->block_size;
}

/* What the filesystem takes only as a whole can't be used in part; of a raw disk, listing it all
 * would take memory for nothing. */
static bool is_divisible(const struct ext4 *ext4, uint64_t unit_size)
{
    return unit_size > (uint64_t)ext4->geometry.block_size * ext4->geometry.cluster_blocks;
}

int resize_plan_packing(struct ext4 *ext4, uint64_t unit_size, struct resize_packing *ret_packing,
                        struct error *error)
{
    CLEANUP(cleanup_packing) struct packing packing = {.ext4 = ext4};
    uint64_t missing;

    if (!is_divisible(ext4, unit_size)) {
        hand_over(&packing, ret_packing);
        return 0;
    }
    if (resize_units_list(ext4, unit_size, &packing.units, error) ||
        choose_candidates(&packing, error) || place(&packing, &missing, error))
        return -1;
    /* Other places make other trees: each time a little more than was missing. */
    for (unsigned round = 1; missing > 0; round++) {
        choose_fewer(&packing, missing + missing / 8 * round);
        if (place(&packing, &missing, error))
            return -1;
    }
    hand_over(&packing, ret_packing);
    return 0;
}
