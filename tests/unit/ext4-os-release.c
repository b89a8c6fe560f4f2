#include <criterion/criterion.h>

#include "ext4/os-release.h"

static void expect_name(const char *text, const char *expected)
{
    char name[32] = "stale";

    os_release_parse(text, name, sizeof name);
    cr_assert_str_eq(name, expected);
}

Test(os_release, the_name_is_unquoted_as_a_shell_would)
{
    expect_name("PRETTY_NAME=\"Debian GNU/Linux 12\"\n", "Debian GNU/Linux 12");
    expect_name("ID=x\nPRETTY_NAME='It \\ is'\nVERSION=3", "It \\ is");
    expect_name("PRETTY_NAME=Void\n", "Void");
    expect_name("PRETTY_NAME=Void Linux", "Void");
    expect_name("PRETTY_NAME=\"a \\\"b\\\" \\$c\"", "a \"b\" $c");
}

Test(os_release, only_the_whole_key_counts_and_the_last_of_them)
{
    expect_name("", "");
    expect_name("NAME=a\nXPRETTY_NAME=b\nPRETTY_NAMES=c\n# PRETTY_NAME=d\n", "");
    expect_name("PRETTY_NAME=a\n\nPRETTY_NAME=b", "b");
}

Test(os_release, a_name_without_an_end_is_cut)
{
    expect_name("PRETTY_NAME=\"open", "open");
    expect_name("PRETTY_NAME=\"open\nID=x", "open");
    expect_name("PRETTY_NAME=\"open\\", "open\\");
    expect_name("PRETTY_NAME=", "");
    expect_name("PRETTY_NAME=0123456789012345678901234567890123456789",
                "0123456789012345678901234567890");
}
