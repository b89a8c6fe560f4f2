/* A list grows, keeps what it holds, and says how much more fits. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/array.h"

Test(array, keeps_its_items)
{
    size_t count = 0, capacity = 0;
    struct error error;
    int *items = NULL;

    for (int i = 0; i < 1000; i++) {
        items = array_make_room(items, count, &capacity, sizeof *items, &error);
        cr_assert_not_null(items);
        cr_assert_gt(capacity, count);
        items[count++] = i;
    }
    for (int i = 0; i < 1000; i++)
        cr_expect_eq(items[i], i);
    free(items);
}

Test(array, says_that_memory_ran_out)
{
    size_t capacity = 0;
    struct error error;

    cr_expect_null(array_make_room(NULL, 0, &capacity, SIZE_MAX / 2, &error));
    cr_expect_eq(error.kind, ERROR_SYSTEM);
    cr_expect_eq(capacity, 0);
}
