#include "resize/run.h"

#include "resize/steps.h"

struct execution {
    struct disk *disk;
    struct ext4 *ext4; /* NULL: none */
    const struct resize_plan *plan;
    const struct resize_run *run;
    struct resize_state *state;
};

static void say(const struct execution *execution, const char *what)
{
    if (execution->run->say)
        execution->run->say(what, execution->run->say_context);
}

static int begin(struct execution *execution, struct error *error)
{
    execution->state->begun = true;
    return disk_begin(execution->disk, error);
}

/* Commits, unless a signal came; *ret_durable is set where it did. */
static int commit(struct execution *execution, bool *ret_durable, struct error *error)
{
    struct disk *disk = execution->disk;

    if (execution->run->interrupted && execution->run->interrupted()) {
        disk_abort(disk);
        return error_set(error, ERROR_INTERRUPTED, "interrupted by a signal");
    }
    if (disk_commit(disk, error) == 0) {
        *ret_durable = true;
        return 0;
    }
    if (disk->committed)
        *ret_durable = true;
    execution->state->uncertain = disk->uncertain;
    return -1;
}

/* The one commit in which disk and filesystem change their size. */
static int change_geometry(struct execution *execution, struct error *error)
{
    struct disk *disk = execution->disk;
    uint64_t disk_size = execution->run->disk_size;

    say(execution, "making room");
    if (begin(execution, error) ||
        (disk_size > disk->size && disk_set_size(disk, disk_size, error)))
        return -1;
    if (!resize_plan_is_empty(execution->plan) &&
        resize_apply(execution->ext4, execution->plan, execution->run->now, error))
        return -1;
    if (disk_size < disk->size && disk_set_size(disk, disk_size, error))
        return -1;
    say(execution, "committing");
    return commit(execution, &execution->state->changed, error);
}

/* The copies in groups that were there before. Stale ones harm nobody. */
static int write_copies(struct execution *execution, struct error *error)
{
    struct disk *disk = execution->disk;

    if (execution->plan->copies.count == 0)
        return 0;
    say(execution, "writing the copies of the superblock");
    if (disk_begin(disk, error) || resize_apply_copies(execution->ext4, execution->plan, error) ||
        disk_commit(disk, error))
        return error_wrap(error, "after the filesystem had its new size");
    return 0;
}

int resize_run(struct disk *disk, struct ext4 *ext4, const struct resize_plan *plan,
               const struct resize_run *run, struct resize_state *ret_state, struct error *error)
{
    struct execution execution = {disk, ext4, plan, run, ret_state};

    *ret_state = (struct resize_state){0};
    if (change_geometry(&execution, error))
        return -1;
    return write_copies(&execution, error);
}
