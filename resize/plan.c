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
    free(plan->inode_moves);
    resize_zones_free(&plan->renumbered);
    resize_relocation_free(&plan->relocation);
    free(plan->vacated.list);
    free(plan->table_moves.list);
    resize_zones_free(&plan->late);
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
    return !resize_plan_has_change(plan) && plan->relocation.move_count == 0 &&
           plan->relocation.inode_count == 0;
}

bool resize_plan_has_change(const struct resize_plan *plan)
{
    return plan->steps.count > 0;
}

uint64_t resize_plan_size(const struct resize_plan *plan)
{
    return plan->new.blocks * plan->new.block_size;
}
