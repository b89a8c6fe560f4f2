#include "base/crc32c.h"

#include <pthread.h>

#include "base/bytes.h"

/* Eight bytes a step: Kounavis and Berry, "A systematic approach to building high performance
 * software-based CRC generators", 2005. table[k][b] is the effect of byte b followed by k zeros. */
static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void make_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;

        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
        table[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (int k = 1; k < 8; k++)
            table[k][byte] = table[k - 1][byte] >> 8 ^ table[0][table[k - 1][byte] & 0xff];
}

#if defined(__x86_64__)
/* The processor's own instruction (SSE 4.2), four times as fast. */
__attribute__((target("sse4.2"))) static uint32_t
crc32c_by_instruction(uint32_t crc, const uint8_t *p, size_t size)
{
    uint64_t sum = ~crc;

    for (; size >= 8; size -= 8, p += 8)
        sum = __builtin_ia32_crc32di(sum, get_le64(p));
    crc = (uint32_t)sum;
    for (; size > 0; size--, p++)
        crc = __builtin_ia32_crc32qi(crc, *p);
    return ~crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return crc32c_by_instruction(crc, bytes, size);
#endif
    return crc32c_by_table(crc, bytes, size);
}

uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *p = bytes;

    pthread_once(&table_once, make_table);
    crc = ~crc;
    for (; size >= 8; size -= 8, p += 8) {
        uint32_t low = crc ^ get_le32(p);
        uint32_t high = get_le32(p + 4);

        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
              table[4][low >> 24] ^ table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
              table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
    }
    for (; size > 0; size--, p++)
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
    return ~crc;
}
