/*
 * A fast 128-bit digest, to tell contents apart in tests. No protection
 * against somebody who looks for a collision.
 */
#ifndef TESTS_SUPPORT_DIGEST_H
#define TESTS_SUPPORT_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest {
    uint64_t words[2];
};

struct digest digest_start(void);

/* Takes in the bytes and their number: "ab", "c" is another message than "a", "bc". */
void digest_add(struct digest *digest, const void *bytes, size_t size);
void digest_add_number(struct digest *digest, uint64_t number);

static inline bool digest_equal(struct digest a, struct digest b)
{
    return a.words[0] == b.words[0] && a.words[1] == b.words[1];
}

#endif
