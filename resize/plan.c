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

static struct disk_range blocks_range(const struct resize_plan *plan, uint64_t start,
                                      uint64_t count)
{
    return (struct disk_range){start * plan->old.block_size, count * plan->old.block_size};
}

/* Where blocks and tables move to. */
static size_t collect_moves(const struct resize_plan *plan, struct disk_range *ranges)
{
    const struct resize_table_moves *both[] = {&plan->vacated, &plan->table_moves};
    size_t count = 0;

    for (size_t i = 0; i < plan->relocation.move_count; i++)
        ranges[count++] =
            blocks_range(plan, plan->relocation.moves[i].to, plan->relocation.moves[i].count);
    for (size_t i = 0; i < plan->relocation.node_count; i++)
        ranges[count++] = blocks_range(plan, plan->relocation.nodes[i], 1);
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < both[k]->count; i++) {
            const struct resize_tables *to = &both[k]->list[i].to;

            ranges[count++] = blocks_range(plan, to->block_bitmap, 1);
            ranges[count++] = blocks_range(plan, to->inode_bitmap, 1);
            ranges[count++] = blocks_range(plan, to->inode_table, plan->old.inode_table_blocks);
        }
    }
    return count;
}

int resize_plan_ranges(const struct resize_plan *plan, struct disk_range **ret_ranges,
                       size_t *ret_count, struct error *error)
{
    const struct resize_steps *both[] = {&plan->steps, &plan->copies};
    size_t most = plan->steps.count + plan->copies.count + RESIZE_INODE_PLACES +
                  plan->relocation.move_count + plan->relocation.node_count +
                  3 * (plan->vacated.count + plan->table_moves.count);
    struct disk_range *ranges = calloc(most + 1, sizeof *ranges);
    size_t count;

    if (!ranges)
        return error_set_no_memory(error);
    count = collect_moves(plan, ranges);
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < both[k]->count; i++) {
            ranges[count] = range_of(plan, &both[k]->list[i]);
            count += ranges[count].size != 0;
        }
    }
    for (int i = 0; i < RESIZE_INODE_PLACES && plan->resize_inode_places[i] != 0; i++)
        ranges[count++] = blocks_range(plan, plan->resize_inode_places[i], 1);
    qsort(ranges, count, sizeof *ranges, compare_ranges);
    *ret_ranges = ranges;
    *ret_count = count;
    return 0;
}
