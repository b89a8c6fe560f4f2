#include <criterion/criterion.h>

#include "ext4resize/size.h"

#define WRONG UINT64_MAX

static uint64_t blocks(const char *text, uint32_t block_size)
{
    uint64_t found;

    return size_read_blocks(text, block_size, &found) ? WRONG : found;
}

Test(size, units_are_blocks_sectors_and_powers_of_1024)
{
    cr_assert_eq(blocks("12800", 4096), 12800);
    cr_assert_eq(blocks("2048s", 4096), 256);
    cr_assert_eq(blocks("64K", 4096), 16);
    cr_assert_eq(blocks("64k", 1024), 64);
    cr_assert_eq(blocks("50M", 1024), 51200);
    cr_assert_eq(blocks("3g", 4096), 786432);
    cr_assert_eq(blocks("1T", 65536), 16777216);
}

Test(size, numbers_are_decimal_octal_or_hexadecimal)
{
    cr_assert_eq(blocks("0x10", 1024), 16);
    cr_assert_eq(blocks("020", 1024), 16);
    cr_assert_eq(blocks("0x10M", 1024), 16384);
    cr_assert_eq(blocks("09", 1024), WRONG);
}

Test(size, what_is_left_of_a_block_is_left_out)
{
    cr_assert_eq(blocks("15s", 4096), 1);
    cr_assert_eq(blocks("9K", 4096), 2);
    cr_assert_eq(blocks("7s", 4096), WRONG);
}

Test(size, what_is_no_size)
{
    static const char *const texts[] = {"",
                                        "0",
                                        "0M",
                                        "M",
                                        "1.5M",
                                        "1P",
                                        "1MB",
                                        "1S",
                                        "+1M",
                                        "-1",
                                        " 1",
                                        "1 M",
                                        "1M ",
                                        "nine",
                                        "0x",
                                        "1e3",
                                        "1b",
                                        "8388608T",
                                        "18446744073709551616",
                                        "99999999999G"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_eq(blocks(texts[i], 4096), WRONG, "\"%s\"", texts[i]);
}
