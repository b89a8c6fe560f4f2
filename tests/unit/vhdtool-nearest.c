#include <criterion/criterion.h>
#include <limits.h>

#include "vhdtool/command.h"
#include "vhdtool/nearest.h"

Test(nearest, distances)
{
    cr_assert_eq(edit_distance("", ""), 0);
    cr_assert_eq(edit_distance("", "abc"), 3);
    cr_assert_eq(edit_distance("info", "info"), 0);
    cr_assert_eq(edit_distance("inof", "info"), 1);
    cr_assert_eq(edit_distance("inf", "info"), 1);
    cr_assert_eq(edit_distance("kitten", "sitting"), 3);
    cr_assert_eq(edit_distance("a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), UINT_MAX);
}

Test(nearest, commands)
{
    cr_assert_str_eq(command_nearest("crate"), "create");
    cr_assert_str_eq(command_nearest("expnad"), "expand");
    cr_assert_null(command_nearest("frobnicate"));
    cr_assert_null(command_nearest(""));
}
