#include "image-format/journal/page-map.h"

#include <stdlib.h>

#include "base/checked.h"

#define FIRST_CAPACITY 64

/* The place of the page, or the free one where it would go. capacity is above count. */
static struct staged_page *place_of(const struct page_map *map, uint64_t page)
{
    uint64_t hash = page * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(hash >> 20) & (map->capacity - 1);

    while (map->places[at].used && map->places[at].page != page)
        at = (at + 1) & (map->capacity - 1);
    return &map->places[at];
}

struct staged_page *page_map_find(const struct page_map *map, uint64_t page)
{
    struct staged_page *place;

    if (map->count == 0)
        return NULL;
    place = place_of(map, page);
    return place->used ? place : NULL;
}

static int enlarge(struct page_map *map, struct error *error)
{
    struct page_map larger = {.capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY};

    larger.places = calloc(larger.capacity, sizeof *larger.places);
    if (!larger.places)
        return error_set_no_memory(error);
    for (size_t i = 0; i < map->capacity; i++)
        if (map->places[i].used)
            *place_of(&larger, map->places[i].page) = map->places[i];
    free(map->places);
    map->places = larger.places;
    map->capacity = larger.capacity;
    return 0;
}

int page_map_put(struct page_map *map, uint64_t page, uint32_t slot, struct error *error)
{
    struct staged_page *place;

    if (map->count >= map->capacity - map->capacity / 4 && enlarge(map, error))
        return -1;
    place = place_of(map, page);
    map->count += !place->used;
    *place = (struct staged_page){.page = page, .slot = slot, .used = true};
    return 0;
}

uint64_t page_map_next(const struct page_map *map, uint64_t page, uint64_t end)
{
    uint64_t nearest = end;

    if (map->count == 0 || page >= end)
        return end;
    if (end - page < map->capacity) {
        while (page < end && !page_map_find(map, page))
            page++;
        return page;
    }
    for (size_t i = 0; i < map->capacity; i++)
        if (map->places[i].used && map->places[i].page >= page)
            nearest = min_u64(nearest, map->places[i].page);
    return nearest;
}

static int compare_pages(const void *a, const void *b)
{
    uint64_t left = ((const struct staged_page *)a)->page;
    uint64_t right = ((const struct staged_page *)b)->page;

    return (left > right) - (left < right);
}

struct staged_page *page_map_sorted(const struct page_map *map, uint64_t end, size_t *ret_count,
                                    struct error *error)
{
    struct staged_page *list = calloc(map->count + 1, sizeof *list);
    size_t count = 0;

    if (!list) {
        error_set_no_memory(error);
        return NULL;
    }
    for (size_t i = 0; i < map->capacity; i++)
        if (map->places[i].used && map->places[i].page < end)
            list[count++] = map->places[i];
    qsort(list, count, sizeof *list, compare_pages);
    *ret_count = count;
    return list;
}

void page_map_clear(struct page_map *map)
{
    free(map->places);
    *map = (struct page_map){0};
}
