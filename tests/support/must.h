/*
 * Memory in tests: when it runs out the test ends, there and then.
 */
#ifndef TESTS_SUPPORT_MUST_H
#define TESTS_SUPPORT_MUST_H

#include <stdio.h>
#include <stdlib.h>

static inline void *must_have(void *memory)
{
    if (!memory) {
        fputs("test support: out of memory\n", stderr);
        abort();
    }
    return memory;
}

static inline void *must_allocate(size_t size)
{
    return must_have(calloc(1, size ? size : 1));
}

static inline void *must_resize(void *memory, size_t count, size_t item_size)
{
    return must_have(reallocarray(memory, count ? count : 1, item_size));
}

#endif
