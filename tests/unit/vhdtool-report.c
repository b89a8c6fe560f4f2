#include <criterion/criterion.h>

#include "base/error.h"
#include "vhdtool/report.h"

static int status_of(enum error_kind kind, bool changing)
{
    struct error error;

    error_set(&error, kind, "x");
    return exit_status(&error, changing);
}

Test(report, exit_statuses)
{
    cr_assert_eq(status_of(ERROR_USAGE, false), 2);
    cr_assert_eq(status_of(ERROR_REFUSED, false), 3);
    cr_assert_eq(status_of(ERROR_BUSY, true), 3);
    cr_assert_eq(status_of(ERROR_CORRUPT, false), 1);
    cr_assert_eq(status_of(ERROR_CORRUPT, true), 3);
    cr_assert_eq(status_of(ERROR_NOT_IMAGE, false), 1);
    cr_assert_eq(status_of(ERROR_NOT_IMAGE, true), 3);
    cr_assert_eq(status_of(ERROR_UNSUPPORTED, true), 3);
    cr_assert_eq(status_of(ERROR_SYSTEM, true), 1);
    cr_assert_eq(status_of(ERROR_NO_SPACE, true), 1);
    cr_assert_eq(status_of(ERROR_INTERRUPTED, true), 1);
}

Test(report, a_failure_counts_for_more_than_a_refusal)
{
    cr_assert_eq(status_of_both(0, 0), 0);
    cr_assert_eq(status_of_both(0, 3), 3);
    cr_assert_eq(status_of_both(3, 0), 3);
    cr_assert_eq(status_of_both(1, 3), 1);
    cr_assert_eq(status_of_both(3, 1), 1);
    cr_assert_eq(status_of_both(1, 0), 1);
}

static void expect_json_text(const char *text, const char *expected)
{
    json_t *value = json_from_text(text);

    cr_assert_str_eq(json_string_value(value), expected);
    json_decref(value);
}

Test(report, bytes_that_are_no_utf_8_are_replaced_in_json)
{
    expect_json_text("plain \xc3\xa9 \xf0\x9f\x90\xa7", "plain \xc3\xa9 \xf0\x9f\x90\xa7");
    expect_json_text("\xff", "\xef\xbf\xbd");
    expect_json_text("a\xc3", "a\xef\xbf\xbd");
    expect_json_text("\xc3\xa9\xa9z", "\xc3\xa9\xef\xbf\xbdz");
    expect_json_text("", "");
}
