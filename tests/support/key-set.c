#include "tests/support/key-set.h"

#include "tests/support/must.h"
#include "tests/support/random.h"

static size_t place_of(const struct key_set *set, uint64_t key)
{
    size_t place = (size_t)random_mix(key) & (set->capacity - 1);

    while (set->keys[place] != 0 && set->keys[place] != key)
        place = (place + 1) & (set->capacity - 1);
    return place;
}

static void grow(struct key_set *set)
{
    struct key_set larger = {.capacity = set->capacity ? set->capacity * 2 : 1024};

    larger.keys = must_allocate(larger.capacity * sizeof *larger.keys);
    for (size_t i = 0; i < set->capacity; i++)
        if (set->keys[i] != 0)
            larger.keys[place_of(&larger, set->keys[i])] = set->keys[i];
    larger.count = set->count;
    free(set->keys);
    *set = larger;
}

bool key_set_add(struct key_set *set, uint64_t key)
{
    size_t place;

    if (key == 0)
        key = 1;
    if (set->count * 2 >= set->capacity)
        grow(set);
    place = place_of(set, key);
    if (set->keys[place] == key)
        return false;
    set->keys[place] = key;
    set->count++;
    return true;
}

void key_set_clear(struct key_set *set)
{
    free(set->keys);
    *set = (struct key_set){0};
}
