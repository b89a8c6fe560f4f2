#define _GNU_SOURCE
#include "base/array.h"

#include <stdlib.h>

void *array_make_room(void *items, size_t count, size_t *capacity, size_t item_size,
                      struct error *error)
{
    size_t larger_capacity = *capacity ? *capacity * 2 : 16;
    void *larger;

    if (count < *capacity)
        return items;
    larger = reallocarray(items, larger_capacity, item_size);
    if (!larger) {
        error_set_no_memory(error);
        return NULL;
    }
    *capacity = larger_capacity;
    return larger;
}
