/* Runs of blocks: merging, meeting, and what lies outside. */
#include <criterion/criterion.h>

#include "resize/fixed.h"

static struct error error;
static const struct ext4_geometry plain = {.cluster_blocks = 1};

static void add(struct resize_zones *zones, uint64_t start, uint64_t count)
{
    cr_assert_eq(resize_zones_add(zones, (struct ext4_run){start, count}, &error), 0);
}

Test(resize_zones, runs_that_touch_or_overlap_become_one)
{
    struct resize_zones zones = {0};

    add(&zones, 30, 10);
    add(&zones, 10, 10);
    add(&zones, 20, 5);
    add(&zones, 12, 2);
    resize_zones_sort(&zones, &plain);
    cr_assert_eq(zones.count, 2);
    cr_expect_eq(zones.runs[0].start, 10);
    cr_expect_eq(zones.runs[0].count, 15);
    cr_expect_eq(zones.runs[1].start, 30);
    resize_zones_free(&zones);
}

Test(resize_zones, whole_clusters)
{
    const struct ext4_geometry clusters = {.cluster_blocks = 16};
    struct resize_zones zones = {0};

    add(&zones, 17, 16);
    resize_zones_sort(&zones, &clusters);
    cr_expect_eq(zones.runs[0].start, 16);
    cr_expect_eq(zones.runs[0].count, 32);
    resize_zones_free(&zones);
}

Test(resize_zones, the_first_part_of_a_run_that_lies_in_one)
{
    struct resize_zones zones = {0};
    struct ext4_run part;

    add(&zones, 10, 10);
    add(&zones, 30, 10);
    resize_zones_sort(&zones, &plain);
    cr_assert(resize_zones_meet(&zones, (struct ext4_run){15, 100}, &part));
    cr_expect_eq(part.start, 15);
    cr_expect_eq(part.count, 5);
    cr_assert(resize_zones_meet(&zones, (struct ext4_run){20, 11}, &part));
    cr_expect_eq(part.start, 30);
    cr_expect_eq(part.count, 1);
    cr_expect_not(resize_zones_meet(&zones, (struct ext4_run){20, 10}, &part));
    cr_expect_not(resize_zones_meet(&zones, (struct ext4_run){12, 0}, &part), "an empty run");
    cr_expect_not(resize_zones_meet(&zones, (struct ext4_run){40, 10}, &part));
    resize_zones_free(&zones);
}

Test(resize_zones, differences_end_where_they_are_told)
{
    struct resize_zones a = {0}, b = {0}, parts = {0};

    add(&a, 0, 10);
    add(&a, 20, 10);
    add(&b, 4, 2);
    add(&b, 25, 100);
    resize_zones_sort(&a, &plain);
    resize_zones_sort(&b, &plain);
    cr_assert_eq(resize_fixed_difference(&a, &b, 22, &parts, &error), 0);
    cr_assert_eq(parts.count, 3);
    cr_expect_eq(parts.runs[0].count, 4);
    cr_expect_eq(parts.runs[1].start, 6);
    cr_expect_eq(parts.runs[1].count, 4);
    cr_expect_eq(parts.runs[2].start, 20);
    cr_expect_eq(parts.runs[2].count, 2);
    resize_zones_free(&a);
    resize_zones_free(&b);
    resize_zones_free(&parts);
}
