#include "image-format/journal/ranges.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/checked.h"

int ranges_add(struct ranges *ranges, uint64_t offset, uint64_t size, struct error *error)
{
    struct range *last = ranges->count ? &ranges->list[ranges->count - 1] : NULL;
    struct range *larger;

    if (size == 0)
        return 0;
    if (last && last->offset + last->size == offset) {
        last->size += size;
        return 0;
    }
    larger = array_make_room(ranges->list, ranges->count, &ranges->capacity, sizeof *larger, error);
    if (!larger)
        return -1;
    ranges->list = larger;
    ranges->list[ranges->count++] = (struct range){offset, size};
    return 0;
}

static int compare_ranges(const void *a, const void *b)
{
    uint64_t left = ((const struct range *)a)->offset, right = ((const struct range *)b)->offset;

    return (left > right) - (left < right);
}

void ranges_normalise(struct ranges *ranges)
{
    size_t kept = 0;

    if (ranges->count == 0)
        return;
    qsort(ranges->list, ranges->count, sizeof *ranges->list, compare_ranges);
    for (size_t i = 1; i < ranges->count; i++) {
        struct range *last = &ranges->list[kept];
        const struct range *next = &ranges->list[i];

        if (next->offset <= last->offset + last->size)
            last->size =
                max_u64(last->offset + last->size, next->offset + next->size) - last->offset;
        else
            ranges->list[++kept] = *next;
    }
    ranges->count = kept + 1;
}

int ranges_subtract(const struct ranges *all, const struct ranges *holes, uint64_t end,
                    struct ranges *ret_rest, struct error *error)
{
    size_t hole = 0;

    for (size_t i = 0; i < all->count; i++) {
        uint64_t at = all->list[i].offset;
        uint64_t stop = min_u64(at + all->list[i].size, end);

        while (at < stop) {
            uint64_t next = stop, behind = stop; /* the next hole */

            while (hole < holes->count && holes->list[hole].offset + holes->list[hole].size <= at)
                hole++;
            if (hole < holes->count) {
                next = min_u64(stop, max_u64(at, holes->list[hole].offset));
                behind = holes->list[hole].offset + holes->list[hole].size;
            }
            if (ranges_add(ret_rest, at, next - at, error))
                return -1;
            at = next == stop ? stop : behind;
        }
    }
    return 0;
}

void ranges_clear(struct ranges *ranges)
{
    free(ranges->list);
    *ranges = (struct ranges){0};
}
