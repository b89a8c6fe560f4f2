#include <criterion/criterion.h>
#include <errno.h>

#include "base/error.h"

Test(error, set_gives_kind_and_sentence_and_drops_the_remedy)
{
    struct error error;

    error_set(&error, ERROR_SYSTEM, "first");
    error_set_remedy(&error, "try again");
    cr_assert_eq(error_set(&error, ERROR_CORRUPT, "entry %d is bad", 7), -1);
    cr_assert_eq(error.kind, ERROR_CORRUPT);
    cr_assert_str_eq(error.message, "entry 7 is bad");
    cr_assert_str_eq(error.remedy, "");
}

Test(error, system_errors_say_the_systems_words)
{
    struct error error;

    error_set_errno(&error, EIO, "cannot read block %d", 3);
    cr_assert_eq(error.kind, ERROR_SYSTEM);
    cr_assert(strstr(error.message, "cannot read block 3: ") == error.message);
    cr_assert_gt(strlen(error.message), strlen("cannot read block 3: "));
}

Test(error, a_full_disk_is_a_kind_of_its_own)
{
    struct error error;

    error_set_errno(&error, ENOSPC, "cannot write");
    cr_assert_eq(error.kind, ERROR_NO_SPACE);
    error_set_errno(&error, EDQUOT, "cannot write");
    cr_assert_eq(error.kind, ERROR_NO_SPACE);
}

Test(error, wrap_goes_in_front_and_keeps_the_rest)
{
    struct error error;

    error_set(&error, ERROR_BUSY, "it is locked");
    error_set_remedy(&error, "unlock it");
    cr_assert_eq(error_wrap(&error, "parent %s", "a.vhdx"), -1);
    cr_assert_str_eq(error.message, "parent a.vhdx: it is locked");
    cr_assert_str_eq(error.remedy, "unlock it");
    cr_assert_eq(error.kind, ERROR_BUSY);
}

Test(error, what_is_too_long_is_cut)
{
    char text[2 * sizeof((struct error *)0)->message];
    struct error error;

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&error, ERROR_SYSTEM, "%s", text);
    error_wrap(&error, "%s", "short");
    error_wrap(&error, "%s", text);
    error_set_errno(&error, EIO, "%s", text);
    cr_assert_eq(strlen(error.message), sizeof error.message - 1);
}
