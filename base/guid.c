#include "base/guid.h"

#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

#include "base/bytes.h"

static bool seeded;
static uint64_t seed_state;

bool guid_is_zero(const struct guid *guid)
{
    return bytes_are_zero(guid->bytes, sizeof guid->bytes);
}

bool guid_equal(const struct guid *a, const struct guid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Swaps between Microsoft's byte order and that of RFC 4122; its own inverse. */
static void swap_fields(const uint8_t from[16], uint8_t to[16])
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

    for (int i = 0; i < 16; i++)
        to[i] = from[order[i]];
}

void guid_format(const struct guid *guid, char text[GUID_TEXT_SIZE])
{
    uuid_t uuid;

    swap_fields(guid->bytes, uuid);
    uuid_unparse_lower(uuid, text);
}

int guid_parse(const char *text, struct guid *ret_guid)
{
    size_t length = strlen(text);
    char bare[GUID_TEXT_SIZE];
    uuid_t uuid;

    if (length == GUID_TEXT_SIZE + 1 && text[0] == '{' && text[length - 1] == '}') {
        text++;
        length -= 2;
    }
    if (length != GUID_TEXT_SIZE - 1)
        return -1;
    memcpy(bare, text, length);
    bare[length] = '\0';
    if (uuid_parse(bare, uuid))
        return -1;
    swap_fields(uuid, ret_guid->bytes);
    return 0;
}

/* SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t next_seeded(void)
{
    uint64_t z = seed_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void guid_generate(struct guid *ret_guid)
{
    uuid_t uuid;

    if (seeded) {
        put_le64(uuid, next_seeded());
        put_le64(uuid + 8, next_seeded());
        uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
        uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    } else {
        uuid_generate_random(uuid);
    }
    swap_fields(uuid, ret_guid->bytes);
}

void guid_seed(uint64_t seed)
{
    seeded = true;
    seed_state = seed;
}
