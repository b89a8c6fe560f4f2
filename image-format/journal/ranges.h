/*
 * Lists of byte ranges.
 */
#ifndef IMAGE_FORMAT_JOURNAL_RANGES_H
#define IMAGE_FORMAT_JOURNAL_RANGES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct range {
    uint64_t offset, size; /* bytes */
};

/* Zero-initialise; ranges_clear frees what it holds. */
struct ranges {
    struct range *list;
    size_t count, capacity;
};

/* Adds a range; one that begins where the last one ended makes that longer. */
int ranges_add(struct ranges *ranges, uint64_t offset, uint64_t size, struct error *error);

/* Sorts, and joins what touches. */
void ranges_normalise(struct ranges *ranges);

/* *ret_rest gets what of all lies below end and in none of holes; both are normalised. */
int ranges_subtract(const struct ranges *all, const struct ranges *holes, uint64_t end,
                    struct ranges *ret_rest, struct error *error);

void ranges_clear(struct ranges *ranges);

#endif
