#include <criterion/criterion.h>

#include "base/checked.h"
#include "base/size.h"

static void expect_size(const char *text, uint64_t expected)
{
    uint64_t size = 0;

    cr_assert_eq(size_parse(text, 10 * GIB, &size), 0, "%s is a size", text);
    cr_assert_eq(size, expected, "%s is %llu", text, (unsigned long long)size);
}

static void expect_no_size(const char *text)
{
    uint64_t size = 42;

    cr_assert_neq(size_parse(text, 10 * GIB, &size), 0, "\"%s\" is no size", text);
    cr_assert_eq(size, 42);
}

Test(size, suffixes_are_powers_of_1024_whatever_their_form)
{
    expect_size("0", 0);
    expect_size("512", 512);
    expect_size("512B", 512);
    expect_size("64K", 64 * KIB);
    expect_size("64kb", 64 * KIB);
    expect_size("1M", MIB);
    expect_size("3GB", 3 * GIB);
    expect_size("3GiB", 3 * GIB);
    expect_size("1t", TIB);
    expect_size("2P", 2048 * TIB);
}

Test(size, decimals)
{
    expect_size("1.5T", TIB + 512 * GIB);
    expect_size(".5K", 512);
    expect_size("0.1K", 102);
    expect_size("1.M", MIB);
}

Test(size, signs_are_relative_to_the_present_size)
{
    expect_size("+1G", 11 * GIB);
    expect_size("-1G", 9 * GIB);
    expect_size("-10G", 0);
    expect_no_size("-10.5G");
    expect_no_size("--1");
    expect_no_size("+");
}

Test(size, what_is_no_size)
{
    static const char *const texts[] = {"",  "K",  "G1",  "1X",   "1KK", "1 G",   " 1",  "1iB",
                                        ".", ".K", "1e3", "0x10", "1Ki", "1.2.3", "1GBB"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_no_size(texts[i]);
}

Test(size, what_does_not_fit_into_63_bits_is_refused)
{
    expect_size("9223372036854775807", INT64_MAX);
    expect_no_size("9223372036854775808");
    expect_no_size("8192P");
    expect_no_size("99999999999999999999");
    expect_no_size("+9223372036854775807");
}

static void expect_text(uint64_t bytes, const char *expected)
{
    char text[SIZE_TEXT_SIZE];

    size_format(bytes, text);
    cr_assert_str_eq(text, expected);
}

Test(size, texts_have_the_largest_fitting_unit)
{
    expect_text(0, "0 bytes");
    expect_text(1023, "1023 bytes");
    expect_text(KIB, "1 KiB");
    expect_text(1536, "1.50 KiB");
    expect_text(256 * GIB, "256 GiB");
    expect_text(TIB + 512 * GIB, "1.50 TiB");
    expect_text(64 * TIB, "64 TiB");
    expect_text(12 * MIB + 300 * KIB, "12.3 MiB");
}
