#include <criterion/criterion.h>

#include "base/checked.h"

Test(checked, sums_and_products_that_do_not_fit_are_refused)
{
    uint64_t result;

    cr_assert(checked_add(UINT64_MAX - 1, 1, &result));
    cr_assert_eq(result, UINT64_MAX);
    cr_assert_not(checked_add(UINT64_MAX, 1, &result));
    cr_assert(checked_multiply(UINT64_C(1) << 32, UINT32_MAX, &result));
    cr_assert_eq(result, UINT64_MAX << 32);
    cr_assert_not(checked_multiply(UINT64_C(1) << 32, UINT64_C(1) << 32, &result));
}

Test(checked, a_range_fits_up_to_the_limit_and_without_wrapping)
{
    cr_assert(range_fits(0, 10, 10));
    cr_assert(range_fits(10, 0, 10));
    cr_assert_not(range_fits(1, 10, 10));
    cr_assert_not(range_fits(11, 0, 10));
    cr_assert_not(range_fits(UINT64_MAX, 2, 10));
    cr_assert_not(range_fits(2, UINT64_MAX, 10));
}

Test(checked, rounding)
{
    cr_assert_eq(round_up(0, 512), 0);
    cr_assert_eq(round_up(1, 512), 512);
    cr_assert_eq(round_up(512, 512), 512);
    cr_assert_eq(round_down(1023, 512), 512);
    cr_assert_eq(divide_up(UINT64_MAX, 2), UINT64_C(1) << 63);
}

Test(checked, powers_of_two)
{
    cr_assert(is_power_of_two(1));
    cr_assert(is_power_of_two(UINT64_C(1) << 63));
    cr_assert_not(is_power_of_two(0));
    cr_assert_not(is_power_of_two(3));
}
