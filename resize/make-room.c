#include "resize/make-room.h"

#include "base/array.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/free-runs.h"
#include "resize/fixed.h"

struct room {
    struct ext4 *ext4;
    struct resize_plan *plan;
    struct resize_zones zones;
    struct resize_zones windows; /* for tables; part of the zones; never sorted */
    struct resize_room places;
};

static void cleanup_room(struct room *room)
{
    resize_zones_free(&room->zones);
    resize_zones_free(&room->windows);
    resize_pool_free(&room->places.early);
    resize_pool_free(&room->places.late);
}

int resize_add_table_move(struct resize_table_moves *moves, struct resize_table_move move,
                          struct error *error)
{
    struct resize_table_move *larger =
        array_make_room(moves->list, moves->count, &moves->capacity, sizeof *larger, error);

    if (!larger)
        return -1;
    moves->list = larger;
    larger[moves->count++] = move;
    return 0;
}

/* Zones: what lies beyond the end, and what the new heads take that the old ones don't have. */
static int make_zones(struct room *room, struct error *error)
{
    CLEANUP(resize_zones_free) struct resize_zones old_heads = {0};
    CLEANUP(resize_zones_free) struct resize_zones new_heads = {0};
    const struct ext4_geometry *old = &room->plan->old, *new = &room->plan->new;
    uint64_t end = min_u64(old->blocks, new->blocks);

    room->zones.count = 0;
    for (uint32_t group = 0; group < old->groups && group < new->groups; group++)
        if (resize_zones_add(&old_heads, ext4_group_head(old, group), error) ||
            resize_zones_add(&new_heads, ext4_group_head(new, group), error))
            return -1;
    resize_zones_sort(&old_heads, old);
    resize_zones_sort(&new_heads, old);
    if (resize_fixed_difference(&new_heads, &old_heads, end, &room->zones, error) ||
        resize_zones_add(&room->zones, (struct ext4_run){end, old->blocks - end}, error))
        return -1;
    for (size_t i = 0; i < room->windows.count; i++)
        if (resize_zones_add(&room->zones, room->windows.runs[i], error))
            return -1;
    resize_zones_sort(&room->zones, old);
    return 0;
}

static int add_early(struct ext4_run run, void *context, struct error *error)
{
    struct room *room = context;

    return resize_pool_add(&room->places.early, run, error);
}

static int add_late(struct ext4_run run, void *context, struct error *error)
{
    struct room *room = context;

    return resize_pool_add(&room->places.late, run, error) ||
                   resize_zones_add(&room->plan->late, run, error)
               ? -1
               : 0;
}

static int add_free(struct ext4_run run, void *context, struct error *error)
{
    struct room *room = context;

    return resize_zones_outside(&room->zones, run, add_early, room, error);
}

/* What is free below the end, and in no zone. */
static int make_early(struct room *room, struct error *error)
{
    const struct ext4_geometry *old = &room->plan->old;
    uint64_t end = min_u64(old->blocks, room->plan->new.blocks);

    resize_pool_free(&room->places.early);
    if (ext4_free_runs_each(room->ext4, old->first_block, end, add_free, room, error))
        return -1;
    resize_pool_reverse(&room->places.early);
    return 0;
}

/* What tables of groups that go, tables that move, and heads that get smaller leave below the
 * end, in no zone. */
static int make_late(struct room *room, struct error *error)
{
    CLEANUP(resize_zones_free) struct resize_zones fixed_old = {0};
    CLEANUP(resize_zones_free) struct resize_zones fixed_new = {0};
    CLEANUP(resize_zones_free) struct resize_zones freed = {0};
    struct resize_plan *plan = room->plan;
    ext2_filsys fs = room->ext4->fs;
    uint64_t end = min_u64(plan->old.blocks, plan->new.blocks);

    if (resize_fixed_collect(&plan->old, fs, &plan->vacated, &fixed_old, error) ||
        resize_fixed_collect(&plan->new, fs, &plan->table_moves, &fixed_new, error) ||
        /* Tables that move are read when late blocks have moved. */
        resize_fixed_collect(&plan->new, fs, NULL, &fixed_new, error) ||
        resize_fixed_difference(&fixed_old, &fixed_new, end, &freed, error))
        return -1;
    for (size_t i = 0; i < freed.count; i++)
        if (resize_zones_outside(&room->zones, freed.runs[i], add_late, room, error))
            return -1;
    resize_pool_reverse(&room->places.late);
    return 0;
}

/* Zones and destinations, and places for tables; anew as long as a table needs a window. */
static int place_tables(struct room *room, struct error *error)
{
    bool again;

    do {
        room->plan->table_moves.count = 0;
        if (make_zones(room, error) || make_early(room, error) ||
            resize_plan_table_moves(room->ext4, room->plan, &room->zones, &room->places.early,
                                    &room->windows, &again, error))
            return -1;
    } while (again);
    return 0;
}

int resize_plan_room(struct ext4 *ext4, struct resize_plan *plan, uint64_t *ret_missing,
                     struct error *error)
{
    CLEANUP(cleanup_room) struct room room = {.ext4 = ext4, .plan = plan};
    struct resize_relocation *relocation = &plan->relocation;
    uint64_t needed;

    *ret_missing = 0;
    if (place_tables(&room, error) || resize_plan_inode_moves(ext4, plan, error) ||
        resize_relocation_survey(ext4, &room.zones, min_u64(plan->old.blocks, plan->new.blocks),
                                 relocation, error))
        return -1;
    /* Trees may grow a little: some more blocks than what moves. */
    needed = relocation->zone_blocks + relocation->zone_blocks / 64 + 64;
    if (resize_plan_vacating(ext4, plan, &room.zones, needed, &room.places.early, error) ||
        make_late(&room, error))
        return -1;
    resize_zones_sort(&plan->late, &plan->old);
    room.places.zones = &room.zones;
    room.places.late_zones = &plan->late;
    return resize_relocation_place(ext4, relocation, &room.places, ret_missing, error);
}
