#include <criterion/criterion.h>

#include "program/words.h"

Test(words, what_a_terminal_would_obey_is_replaced)
{
    char text[] = "a\x1b[2Jb\tc\nd\x7f\xc2\x9b\xc3\xa9";

    program_clean_text(text);
    cr_assert_str_eq(text, "a?[2Jb?c\nd??\x9b\xc3\xa9");
}
