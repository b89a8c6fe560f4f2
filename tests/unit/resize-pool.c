/* Free runs are handed out whole where there is one, and no block twice. */
#include <criterion/criterion.h>

#include "resize/pool.h"
#include "tests/support/random.h"

static struct error error;
static struct resize_pool pool;

static void add(uint64_t start, uint64_t count)
{
    cr_assert_eq(resize_pool_add(&pool, (struct ext4_run){start, count}, &error), 0);
}

static struct ext4_run take(uint64_t count)
{
    struct ext4_run run;

    cr_assert_eq(resize_pool_take(&pool, count, &run, &error), 0);
    return run;
}

static void tear_down(void)
{
    resize_pool_free(&pool);
}

Test(resize_pool, a_run_that_fits_is_preferred_to_a_longer_one, .fini = tear_down)
{
    struct ext4_run run;

    add(1000, 4096);
    add(10, 100);
    run = take(90);
    cr_expect_eq(run.start, 10);
    cr_expect_eq(run.count, 90);
}

Test(resize_pool, nothing_is_split_while_a_run_is_long_enough, .fini = tear_down)
{
    add(10, 99);
    add(200, 99);
    add(1000, 100);
    cr_expect_eq(take(100).start, 1000);
}

Test(resize_pool, the_longest_comes_when_none_is_long_enough, .fini = tear_down)
{
    struct ext4_run run;

    add(10, 3);
    add(100, 20);
    run = take(50);
    cr_expect_eq(run.start, 100);
    cr_expect_eq(run.count, 20);
}

Test(resize_pool, whole_or_nothing, .fini = tear_down)
{
    struct ext4_run run;

    add(10, 3);
    add(20, 7);
    cr_assert_eq(resize_pool_take_whole(&pool, 8, &run, &error), 0);
    cr_expect_eq(run.count, 0);
    cr_expect_eq(pool.blocks, 10);
}

Test(resize_pool, the_lowest_goes_first_after_reversing, .fini = tear_down)
{
    for (uint64_t start = 10; start < 100; start += 10)
        add(start, 4);
    resize_pool_reverse(&pool);
    cr_expect_eq(take(4).start, 10);
    cr_expect_eq(take(4).start, 20);
}

/* Random runs are taken in random pieces until nothing is left: each block comes once. */
Test(resize_pool, every_block_comes_once, .fini = tear_down)
{
    enum { BLOCKS = 100000 };
    static bool is_free[BLOCKS];
    uint64_t random = 7;
    uint64_t left = 0;

    for (uint64_t start = 0; start < BLOCKS - 300;) {
        uint64_t count = 1 + random_below(&random, 200);

        add(start, count);
        for (uint64_t i = 0; i < count; i++)
            is_free[start + i] = true;
        left += count;
        start += count + 1 + random_below(&random, 50);
    }
    while (left > 0) {
        struct ext4_run run = take(1 + random_below(&random, 300));

        cr_assert_gt(run.count, 0);
        for (uint64_t i = 0; i < run.count; i++) {
            cr_assert(is_free[run.start + i], "block %llu", (unsigned long long)(run.start + i));
            is_free[run.start + i] = false;
        }
        left -= run.count;
        cr_assert_eq(pool.blocks, left);
    }
    cr_expect_eq(take(1).count, 0);
}
