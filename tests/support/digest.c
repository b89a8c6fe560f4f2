#include "tests/support/digest.h"

#include <string.h>

__extension__ typedef unsigned __int128 uint128;

static uint64_t multiply_fold(uint64_t a, uint64_t b)
{
    uint128 product = (uint128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

struct digest digest_start(void)
{
    return (struct digest){{UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344)}};
}

void digest_add_number(struct digest *digest, uint64_t number)
{
    digest->words[0] = multiply_fold(digest->words[0] ^ number, UINT64_C(0x9e3779b97f4a7c15));
    digest->words[1] = multiply_fold(digest->words[1] + number, UINT64_C(0xd6e8feb86659fd93)) +
                       UINT64_C(0xa4093822299f31d0);
}

void digest_add(struct digest *digest, const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    uint64_t word;

    digest_add_number(digest, size);
    for (; size >= sizeof word; size -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        digest_add_number(digest, word);
    }
    if (size > 0) {
        word = 0;
        memcpy(&word, p, size);
        digest_add_number(digest, word);
    }
}
