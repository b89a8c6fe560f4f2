#include <criterion/criterion.h>

#include "base/crc32c.h"

/* RFC 3720, B.4. */
Test(crc32c, known_vectors)
{
    uint8_t bytes[32];

    memset(bytes, 0, sizeof bytes);
    cr_assert_eq(crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    cr_assert_eq(crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    cr_assert_eq(crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    cr_assert_eq(crc32c(0, bytes, sizeof bytes), 0x113fdb5c);
    cr_assert_eq(crc32c(0, "123456789", 9), 0xe3069283);
    cr_assert_eq(crc32c(0, NULL, 0), 0);
}

Test(crc32c, pieces_give_the_sum_of_the_whole)
{
    static const char message[] = "The quick brown fox jumps over the lazy dog";
    const size_t size = sizeof message - 1;
    uint32_t whole = crc32c(0, message, size);

    for (size_t cut = 0; cut <= size; cut++)
        cr_assert_eq(crc32c(crc32c(0, message, cut), message + cut, size - cut), whole);
}

/* At every length and alignment, and from every checksum before. */
Test(crc32c, table_and_instruction_agree)
{
    uint8_t bytes[64];

    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t first = 0; first < 9; first++)
        for (size_t size = 0; size <= sizeof bytes - first; size++)
            cr_assert_eq(crc32c((uint32_t)size * 0x9e3779b9, bytes + first, size),
                         crc32c_by_table((uint32_t)size * 0x9e3779b9, bytes + first, size));
    cr_assert_eq(crc32c_by_table(0, "123456789", 9), 0xe3069283);
}
