/*
 * A set of 64-bit keys.
 */
#ifndef TESTS_SUPPORT_KEY_SET_H
#define TESTS_SUPPORT_KEY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; key_set_clear frees what it holds. */
struct key_set {
    uint64_t *keys; /* open addressing; 0 is a free place */
    size_t count, capacity;
};

/* Adds the key; true when it wasn't there. 0 counts as 1. */
bool key_set_add(struct key_set *set, uint64_t key);

void key_set_clear(struct key_set *set);

#endif
