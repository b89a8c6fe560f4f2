#include <criterion/criterion.h>

#include "base/bytes.h"

Test(bytes, little_endian_integers_are_read_from_any_place)
{
    const uint8_t bytes[] = {0xff, 0x01, 0x02, 0x03, 0x84, 0x05, 0x06, 0x07, 0x88};

    cr_assert_eq(get_le16(bytes + 1), 0x0201);
    cr_assert_eq(get_le32(bytes + 1), 0x84030201);
    cr_assert_eq(get_le64(bytes + 1), UINT64_C(0x8807060584030201));
}

Test(bytes, what_was_put_is_got_and_nothing_beside_it_changes)
{
    uint8_t bytes[10];

    memset(bytes, 0xee, sizeof bytes);
    put_le64(bytes + 1, UINT64_C(0xf1e2d3c4b5a69788));
    cr_assert_eq(get_le64(bytes + 1), UINT64_C(0xf1e2d3c4b5a69788));
    cr_assert_eq(bytes[1], 0x88);
    cr_assert_eq(bytes[8], 0xf1);
    cr_assert_eq(bytes[0], 0xee);
    cr_assert_eq(bytes[9], 0xee);
    put_le16(bytes + 1, 0x1234);
    cr_assert_eq(get_le32(bytes + 1), 0xb5a61234);
}

Test(bytes, zeros_are_told_from_all_else_at_each_place)
{
    uint8_t bytes[67] = {0};

    cr_assert(bytes_are_zero(bytes, 0));
    cr_assert(bytes_are_zero(bytes, sizeof bytes));
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = 1;
        cr_assert_not(bytes_are_zero(bytes, sizeof bytes));
        cr_assert(bytes_are_zero(bytes, i));
        bytes[i] = 0;
    }
}
