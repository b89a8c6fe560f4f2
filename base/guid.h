/*
 * GUIDs as Microsoft stores them: the first three fields little-endian
 * (MS-DTYP 2.3.4.2), text in the usual form.
 */
#ifndef BASE_GUID_H
#define BASE_GUID_H

#include <stdbool.h>
#include <stdint.h>

#define GUID_TEXT_SIZE 37 /* with the final NUL */

struct guid {
    uint8_t bytes[16]; /* as on disk */
};

/* A GUID from its eleven usual parts, for constants. */
#define GUID_INIT(a, b, c, d0, d1, d2, d3, d4, d5, d6, d7)                                      \
    {                                                                                           \
        {                                                                                       \
            (uint8_t)((a)&0xff), (uint8_t)((a) >> 8 & 0xff), (uint8_t)((a) >> 16 & 0xff),       \
                (uint8_t)((a) >> 24 & 0xff), (uint8_t)((b)&0xff), (uint8_t)((b) >> 8 & 0xff),   \
                (uint8_t)((c)&0xff), (uint8_t)((c) >> 8 & 0xff), d0, d1, d2, d3, d4, d5, d6, d7 \
        }                                                                                       \
    }

bool guid_is_zero(const struct guid *guid);
bool guid_equal(const struct guid *a, const struct guid *b);

/* Lower-case text without braces, NUL at the end. */
void guid_format(const struct guid *guid, char text[GUID_TEXT_SIZE]);

/* Returns 0 and sets *ret_guid, or -1 when text is no GUID (braces are allowed). */
int guid_parse(const char *text, struct guid *ret_guid);

/* A new random GUID (version 4), from libuuid; after guid_seed, the next of a fixed sequence. */
void guid_generate(struct guid *ret_guid);

/* Makes the GUIDs of this process repeatable: for reproducible images and for tests. */
void guid_seed(uint64_t seed);

#endif
