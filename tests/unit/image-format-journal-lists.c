/* The lists that a journal keeps: staged pages, and ranges. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "image-format/journal/page-map.h"
#include "image-format/journal/ranges.h"
#include "tests/support/random.h"

#define PAGES 5000

static struct error error;

Test(page_map, behaves_as_an_array)
{
    static bool staged[PAGES];
    static uint32_t slots[PAGES];
    struct page_map map = {0};
    uint64_t random = 1;

    for (uint32_t step = 0; step < 4000; step++) {
        uint64_t page = random_below(&random, PAGES), end = page + random_below(&random, 600);
        struct staged_page *found = page_map_find(&map, page);
        uint64_t next = page;

        cr_assert_eq(found != NULL, staged[page]);
        cr_assert(!found || found->slot == slots[page]);
        while (next < end && (next >= PAGES || !staged[next]))
            next++;
        cr_assert_eq(page_map_next(&map, page, end), next);
        cr_assert_eq(page_map_put(&map, page, step, &error), 0);
        staged[page] = true;
        slots[page] = step;
    }
    page_map_clear(&map);
}

Test(page_map, far_pages_and_sorted_ones)
{
    static const uint64_t pages[] = {UINT64_C(1) << 40, 7, 0, UINT64_C(1) << 51, 8};
    struct page_map map = {0};
    struct staged_page *list;
    size_t count;

    cr_assert_eq(page_map_next(&map, 0, UINT64_MAX), UINT64_MAX);
    for (uint32_t i = 0; i < 5; i++)
        cr_assert_eq(page_map_put(&map, pages[i], i, &error), 0);
    cr_assert_eq(page_map_next(&map, 9, UINT64_C(1) << 52), UINT64_C(1) << 40);
    cr_assert_eq(page_map_next(&map, 9, 1000000), 1000000);
    list = page_map_sorted(&map, UINT64_C(1) << 51, &count, &error);
    cr_assert_eq(count, 4);
    cr_assert(list[0].page == 0 && list[1].page == 7 && list[2].page == 8);
    cr_assert(list[3].page == UINT64_C(1) << 40 && list[3].slot == 0);
    free(list);
    page_map_clear(&map);
}

static void fill(const struct ranges *ranges, bool *bytes, bool value, uint64_t end)
{
    for (size_t i = 0; i < ranges->count; i++)
        for (uint64_t at = 0; at < ranges->list[i].size; at++)
            if (ranges->list[i].offset + at < end)
                bytes[ranges->list[i].offset + at] = value;
}

Test(ranges, subtracting_leaves_what_is_in_none)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        bool expected[300] = {false}, found[300] = {false};
        struct ranges all = {0}, holes = {0}, rest = {0};
        uint64_t random = seed, end = random_below(&random, 300);

        for (uint64_t i = random_below(&random, 9); i > 0; i--)
            cr_assert_eq(
                ranges_add(&all, random_below(&random, 200), random_below(&random, 60), &error), 0);
        for (uint64_t i = random_below(&random, 9); i > 0; i--)
            cr_assert_eq(
                ranges_add(&holes, random_below(&random, 200), random_below(&random, 30), &error),
                0);
        fill(&all, expected, true, end);
        fill(&holes, expected, false, 300);
        ranges_normalise(&all);
        ranges_normalise(&holes);
        cr_assert_eq(ranges_subtract(&all, &holes, end, &rest, &error), 0);
        fill(&rest, found, true, 300);
        cr_assert_arr_eq(found, expected, sizeof found, "seed %llu", (unsigned long long)seed);
        for (size_t i = 1; i < rest.count; i++)
            cr_assert_gt(rest.list[i].offset, rest.list[i - 1].offset + rest.list[i - 1].size);
        ranges_clear(&all);
        ranges_clear(&holes);
        ranges_clear(&rest);
    }
}
