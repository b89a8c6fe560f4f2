#include <criterion/criterion.h>

#include "base/guid.h"

static const char text[] = "2dc27766-f623-4200-9d64-115e9bfd4a08"; /* VHDX's BAT region */
static const struct guid guid =
    GUID_INIT(0x2dc27766, 0xf623, 0x4200, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08);

Test(guid, the_first_three_fields_are_little_endian)
{
    static const uint8_t bytes[16] = {0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42,
                                      0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08};

    cr_assert_arr_eq(guid.bytes, bytes, sizeof bytes);
}

Test(guid, text_and_back)
{
    char formatted[GUID_TEXT_SIZE];
    struct guid parsed;

    guid_format(&guid, formatted);
    cr_assert_str_eq(formatted, text);
    cr_assert_eq(guid_parse("{2DC27766-F623-4200-9D64-115E9BFD4A08}", &parsed), 0);
    cr_assert(guid_equal(&parsed, &guid));
}

Test(guid, what_is_no_guid)
{
    static const char *const texts[] = {"",
                                        "2dc27766-f623-4200-9d64-115e9bfd4a0",
                                        "2dc27766-f623-4200-9d64-115e9bfd4a080",
                                        "{2dc27766-f623-4200-9d64-115e9bfd4a08",
                                        "2dc27766-f623-4200-9d64-115e9bfd4a0g",
                                        "2dc27766f623-4200-9d64-115e9bfd4a08--"};
    struct guid parsed;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_assert_neq(guid_parse(texts[i], &parsed), 0, "%s", texts[i]);
}

Test(guid, zero)
{
    struct guid zero = {{0}};

    cr_assert(guid_is_zero(&zero));
    cr_assert_not(guid_is_zero(&guid));
}

Test(guid, generated_ones_differ_and_are_of_version_4)
{
    struct guid a, b;

    guid_generate(&a);
    guid_generate(&b);
    cr_assert_not(guid_equal(&a, &b));
    cr_assert_eq(a.bytes[7] >> 4, 4);
    cr_assert_eq(a.bytes[8] >> 6, 2);
}

Test(guid, a_seed_makes_them_repeatable)
{
    struct guid first[2], again[2], other;

    guid_seed(7);
    guid_generate(&first[0]);
    guid_generate(&first[1]);
    guid_seed(7);
    guid_generate(&again[0]);
    guid_generate(&again[1]);
    guid_seed(8);
    guid_generate(&other);
    cr_assert(guid_equal(&first[0], &again[0]));
    cr_assert(guid_equal(&first[1], &again[1]));
    cr_assert_not(guid_equal(&first[0], &first[1]));
    cr_assert_not(guid_equal(&first[0], &other));
    cr_assert_eq(first[0].bytes[7] >> 4, 4);
}
