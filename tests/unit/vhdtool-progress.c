#include <criterion/criterion.h>

#include "base/checked.h"
#include "vhdtool/progress.h"

static void expect_line(uint64_t done, uint64_t total, double seconds, const char *expected)
{
    char line[PROGRESS_LINE_SIZE];

    progress_line("copying", done, total, seconds, line);
    cr_assert_str_eq(line, expected);
}

Test(progress, bytes_rate_and_time_left)
{
    expect_line(0, 4 * GIB, 0, "copying   0% [                        ] 0 bytes of 4 GiB");
    expect_line(1 * GIB, 4 * GIB, 8,
                "copying  25% [######                  ] 1 GiB of 4 GiB  128 MiB/s  0:24 left");
    expect_line(4 * GIB, 4 * GIB, 32,
                "copying 100% [########################] 4 GiB of 4 GiB  128 MiB/s  0:00 left");
    expect_line(1 * GIB, 4096 * GIB, 8,
                "copying   0% [                        ] 1 GiB of 4 TiB  128 MiB/s  9:06:00 left");
}

Test(progress, a_total_that_is_not_known)
{
    expect_line(512, 0, 0, "copying  512 bytes");
    expect_line(256 * MIB, 0, 2, "copying  256 MiB  128 MiB/s");
}

Test(progress, more_than_all_is_all)
{
    expect_line(2 * GIB, 1 * GIB, 0.5, "copying 100% [########################] 2 GiB of 1 GiB");
}
