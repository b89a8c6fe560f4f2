#include "image-format/vhdx/units.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

int vhdx_units_make_room(struct vhdx_units *units, uint64_t count, struct error *error)
{
    uint64_t limit = round_up(max_u64(count, units->limit + units->limit / 2), 64);
    uint64_t *used;

    if (count <= units->limit)
        return 0;
    used = realloc(units->used, (size_t)(limit / 8));
    if (!used)
        return error_set_no_memory(error);
    memset(used + units->limit / 64, 0, (size_t)((limit - units->limit) / 8));
    units->used = used;
    units->limit = limit;
    return 0;
}

int vhdx_units_copy(const struct vhdx_units *units, struct vhdx_units *ret_copy,
                    struct error *error)
{
    struct vhdx_units copy = {0};

    if (vhdx_units_make_room(&copy, units->limit, error))
        return -1;
    memcpy(copy.used, units->used, (size_t)(units->limit / 8));
    copy.end = units->end;
    *ret_copy = copy;
    return 0;
}

void vhdx_units_free(struct vhdx_units *units)
{
    free(units->used);
    *units = (struct vhdx_units){0};
}

bool vhdx_units_is_used(const struct vhdx_units *units, uint64_t unit)
{
    return unit < units->limit && units->used[unit / 64] >> unit % 64 & 1;
}

void vhdx_units_take(struct vhdx_units *units, uint64_t unit, uint64_t count)
{
    for (uint64_t i = unit; i < unit + count; i++)
        units->used[i / 64] |= UINT64_C(1) << i % 64;
    units->end = max_u64(units->end, unit + count);
}

void vhdx_units_give(struct vhdx_units *units, uint64_t unit, uint64_t count)
{
    for (uint64_t i = unit; i < unit + count; i++)
        units->used[i / 64] &= ~(UINT64_C(1) << i % 64);
}

void vhdx_units_find_end(struct vhdx_units *units)
{
    while (units->end > 0 && !vhdx_units_is_used(units, units->end - 1))
        units->end--;
}

uint64_t vhdx_units_find_free(const struct vhdx_units *units, uint64_t count, uint64_t start,
                              uint64_t limit)
{
    for (uint64_t unit = start; unit < limit; unit++) {
        if (unit % 64 == 0 && unit < units->limit && units->used[unit / 64] == UINT64_MAX) {
            unit += 63;
            start = unit + 1;
        } else if (vhdx_units_is_used(units, unit)) {
            start = unit + 1;
        } else if (unit + 1 - start == count) {
            return start;
        }
    }
    return UINT64_MAX;
}

uint64_t vhdx_units_count_used(const struct vhdx_units *units)
{
    uint64_t count = 0;

    for (uint64_t word = 0; word < divide_up(units->end, 64); word++)
        count += (uint64_t)__builtin_popcountll(units->used[word]);
    return count;
}
