/*
 * Lists that grow.
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>

#include "base/error.h"

/* Room for one more than count items of item_size bytes. Returns the list, which may have moved,
 * with *capacity (items) brought up to date; NULL sets error and leaves the old list as it was. */
void *array_make_room(void *items, size_t count, size_t *capacity, size_t item_size,
                      struct error *error);

#endif
