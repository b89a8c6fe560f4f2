#include "resize/plan.h"

#include <stdlib.h>

#include "base/array.h"
#include "resize/steps.h"

int resize_add_step(struct resize_steps *steps, const struct resize_step *step, struct error *error)
{
    struct resize_step *larger =
        array_make_room(steps->list, steps->count, &steps->capacity, sizeof *larger, error);

    if (!larger)
        return -1;
    steps->list = larger;
    steps->list[steps->count++] = *step;
    return 0;
}

void resize_plan_free(struct resize_plan *plan)
{
    free(plan->tables);
    free(plan->table_runs);
    free(plan->uninitialised);
    free(plan->changed_descriptors);
    free(plan->steps.list);
    free(plan->copies.list);
    *plan = (struct resize_plan){0};
}

bool resize_plan_is_empty(const struct resize_plan *plan)
{
    return plan->steps.count == 0;
}

uint64_t resize_plan_size(const struct resize_plan *plan)
{
    return plan->new.blocks * plan->new.block_size;
}

static int compare_ranges(const void *a, const void *b)
{
    const struct disk_range *first = a, *second = b;

    return first->offset < second->offset ? -1 : first->offset > second->offset;
}

/* Where a step writes; its size is 0 when it writes nothing of account. */
static struct disk_range range_of(const struct resize_plan *plan, const struct resize_step *step)
{
    uint64_t block_size = plan->new.block_size;
    struct disk_range range = {step->place * block_size, step->count * block_size};

    if (step->kind == RESIZE_ZERO)
        range.size = 0;
    return range;
}

int resize_plan_ranges(const struct resize_plan *plan, struct disk_range **ret_ranges,
                       size_t *ret_count, struct error *error)
{
    const struct resize_steps *both[] = {&plan->steps, &plan->copies};
    size_t most = plan->steps.count + plan->copies.count;
    struct disk_range *ranges = calloc(most + RESIZE_INODE_PLACES + 1, sizeof *ranges);
    size_t count = 0;

    if (!ranges)
        return error_set_no_memory(error);
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < both[k]->count; i++) {
            ranges[count] = range_of(plan, &both[k]->list[i]);
            count += ranges[count].size != 0;
        }
    }
    for (int i = 0; i < RESIZE_INODE_PLACES && plan->resize_inode_places[i] != 0; i++)
        ranges[count++] = (struct disk_range){plan->resize_inode_places[i] * plan->new.block_size,
                                              plan->new.block_size};
    qsort(ranges, count, sizeof *ranges, compare_ranges);
    *ret_ranges = ranges;
    *ret_count = count;
    return 0;
}

int resize_plan_make(struct ext4 *ext4, const struct resize_request *request,
                     struct resize_plan *ret_plan, struct error *error)
{
    return resize_plan_grow(ext4, request->size, ret_plan, error);
}
