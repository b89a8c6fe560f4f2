#include "resize/pool.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/checked.h"

/* Runs of one class that are looked at for one that fits. */
#define LOOKED_AT 64

static unsigned class_of(uint64_t count)
{
    return (unsigned)(63 - __builtin_clzll(count));
}

int resize_pool_add(struct resize_pool *pool, struct ext4_run run, struct error *error)
{
    struct resize_pool_class *class;
    struct ext4_run *larger;

    if (run.count == 0)
        return 0;
    class = &pool->classes[class_of(run.count)];
    larger = array_make_room(class->runs, class->count, &class->capacity, sizeof *larger, error);
    if (!larger)
        return -1;
    class->runs = larger;
    class->runs[class->count++] = run;
    pool->blocks += run.count;
    return 0;
}

void resize_pool_reverse(struct resize_pool *pool)
{
    for (unsigned i = 0; i < RESIZE_POOL_CLASSES; i++) {
        struct resize_pool_class *class = &pool->classes[i];

        for (size_t low = 0, high = class->count; low + 1 < high; low++) {
            struct ext4_run kept = class->runs[low];

            class->runs[low] = class->runs[--high];
            class->runs[high] = kept;
        }
    }
}

/* Takes the run at index out of its class, hands out its beginning and puts back the rest. */
static int hand_out(struct resize_pool *pool, struct resize_pool_class *class, size_t index,
                    uint64_t count, struct ext4_run *ret_run, struct error *error)
{
    struct ext4_run run = class->runs[index];

    for (size_t i = index; i + 1 < class->count; i++)
        class->runs[i] = class->runs[i + 1];
    class->count--;
    pool->blocks -= run.count;
    ret_run->start = run.start;
    ret_run->count = min_u64(run.count, count);
    return resize_pool_add(
        pool, (struct ext4_run){run.start + ret_run->count, run.count - ret_run->count}, error);
}

int resize_pool_take_whole(struct resize_pool *pool, uint64_t count, struct ext4_run *ret_run,
                           struct error *error)
{
    struct resize_pool_class *class = &pool->classes[class_of(count)];
    size_t looked_at = class->count > LOOKED_AT ? LOOKED_AT : class->count;

    for (size_t i = class->count; i > class->count - looked_at; i--)
        if (class->runs[i - 1].count >= count)
            return hand_out(pool, class, i - 1, count, ret_run, error);
    for (class ++; class < pool->classes + RESIZE_POOL_CLASSES; class ++)
        if (class->count > 0)
            return hand_out(pool, class, class->count - 1, count, ret_run, error);
    *ret_run = (struct ext4_run){0};
    return 0;
}

int resize_pool_take(struct resize_pool *pool, uint64_t count, struct ext4_run *ret_run,
                     struct error *error)
{
    if (resize_pool_take_whole(pool, count, ret_run, error))
        return -1;
    if (ret_run->count > 0)
        return 0;
    for (unsigned i = class_of(count) + 1; i > 0; i--) {
        struct resize_pool_class *class = &pool->classes[i - 1];

        if (class->count > 0)
            return hand_out(pool, class, class->count - 1, count, ret_run, error);
    }
    return 0;
}

void resize_pool_free(struct resize_pool *pool)
{
    for (unsigned i = 0; i < RESIZE_POOL_CLASSES; i++)
        free(pool->classes[i].runs);
    *pool = (struct resize_pool){0};
}
