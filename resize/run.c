#include "resize/run.h"

#include "base/checked.h"
#include "base/cleanup.h"
#include "resize/change.h"
#include "resize/copies.h"
#include "resize/fixed.h"
#include "resize/relocate.h"

#define BATCH_BYTES (256 * MIB) /* where the caller leaves it open */

/* Or when so many groups changed, for what moves isn't always copied; two blocks of memory each. */
#define BATCH_GROUPS 8192

struct execution {
    struct disk *disk;
    struct ext4 *ext4; /* NULL: none */
    const struct resize_plan *plan;
    const struct resize_run *run;
    struct resize_state *state;
    struct resize_relocating relocating;
    struct ext4_space *space; /* NULL: nothing is known to be free */
};

static void cleanup_execution(struct execution *execution)
{
    resize_relocating_free(&execution->relocating);
    ext4_space_free(execution->space);
}

static void say(const struct execution *execution, const char *what)
{
    if (execution->run->say)
        execution->run->say(what, execution->run->say_context);
}

static int check_interrupted(const struct execution *execution, struct error *error)
{
    return execution->run->interrupted && execution->run->interrupted()
               ? error_set(error, ERROR_INTERRUPTED, "interrupted by a signal")
               : 0;
}

static int begin(struct execution *execution, struct error *error)
{
    if (check_interrupted(execution, error))
        return -1;
    execution->state->begun = true;
    return disk_begin(execution->disk, error);
}

/* *ret_durable is set where the commit is, also after a failure. */
static int commit(struct execution *execution, bool *ret_durable, struct error *error)
{
    int result = disk_commit(execution->disk, error);

    if (result == 0 || execution->disk->committed)
        *ret_durable = true;
    if (result)
        execution->state->uncertain = execution->disk->uncertain;
    return result;
}

/* Ends a commit that leaves the old geometry. */
static int commit_moves(struct execution *execution, struct error *error)
{
    if (ext4_space_write(execution->space, error) ||
        ext4_space_write_descriptors(execution->space, error) ||
        commit(execution, &execution->state->moved, error))
        return -1;
    ext4_space_committed(execution->space);
    progress_update(execution->run->progress, "moving", execution->relocating.copied,
                    execution->plan->relocation.copied * execution->plan->old.block_size);
    return 0;
}

static int move_inodes(struct execution *execution, struct error *error)
{
    const struct resize_plan *plan = execution->plan;
    uint32_t group_inodes = plan->old.group_inodes;

    if (plan->inode_move_count == 0)
        return 0;
    say(execution, "giving inodes other numbers");
    if (begin(execution, error) ||
        resize_renumber(execution->ext4, plan->inode_moves, plan->inode_move_count, error))
        return -1;
    for (size_t i = 0; i < plan->inode_move_count; i++) {
        const struct resize_inode_move *move = &plan->inode_moves[i];

        ext4_space_descriptor_changed(execution->space, (move->from - 1) / group_inodes);
        ext4_space_descriptor_changed(execution->space, (move->to - 1) / group_inodes);
    }
    return commit_moves(execution, error);
}

/* Tables make way for blocks, which takes a commit; blocks that inodes share, and the filesystem's
 * own, begin the next one. */
static int move_shared(struct execution *execution, struct error *error)
{
    const struct resize_plan *plan = execution->plan;

    if (plan->relocation.move_count == 0 && plan->vacated.count == 0)
        return 0;
    say(execution, "moving tables and extended attributes");
    if (plan->vacated.count > 0 &&
        (begin(execution, error) ||
         resize_relocate_tables(&execution->relocating, &plan->vacated, true, error) ||
         commit_moves(execution, error)))
        return -1;
    return begin(execution, error) ||
                   resize_relocate_xattrs(&execution->relocating, false, error) ||
                   resize_relocate_special(&execution->relocating, false, error)
               ? -1
               : 0;
}

/* Moves the blocks of inodes in batches; those that can go only with the change stay. */
static int move_blocks(struct execution *execution, struct error *error)
{
    const struct resize_relocation *relocation = &execution->plan->relocation;
    uint64_t batch = execution->run->batch_bytes ? execution->run->batch_bytes : BATCH_BYTES;
    uint64_t committed = 0;

    if (relocation->inode_count > 0)
        say(execution, "moving blocks");
    for (size_t i = 0; i < relocation->inode_count; i++) {
        if (relocation->inodes[i].goes_late)
            continue;
        if (!execution->disk->in_transaction && begin(execution, error))
            return -1;
        if (resize_relocate_inode(&execution->relocating, &relocation->inodes[i], error))
            return -1;
        if (execution->relocating.copied - committed < batch &&
            ext4_space_changed_groups(execution->space) < BATCH_GROUPS)
            continue;
        if (commit_moves(execution, error))
            return -1;
        committed = execution->relocating.copied;
    }
    return execution->disk->in_transaction ? commit_moves(execution, error) : 0;
}

static int move_late_blocks(struct execution *execution, struct error *error)
{
    const struct resize_relocation *relocation = &execution->plan->relocation;

    for (size_t i = 0; i < relocation->inode_count; i++)
        if (relocation->inodes[i].goes_late &&
            resize_relocate_inode(&execution->relocating, &relocation->inodes[i], error))
            return -1;
    return resize_relocate_xattrs(&execution->relocating, true, error) ||
                   resize_relocate_special(&execution->relocating, true, error)
               ? -1
               : 0;
}

typedef int change_run(struct ext4_space *space, struct ext4_run run, struct error *error);

static int change_difference(struct execution *execution, const struct resize_zones *a,
                             const struct resize_zones *b, change_run *change, struct error *error)
{
    CLEANUP(resize_zones_free) struct resize_zones parts = {0};
    const struct resize_plan *plan = execution->plan;

    if (resize_fixed_difference(a, b, min_u64(plan->old.blocks, plan->new.blocks), &parts, error))
        return -1;
    for (size_t i = 0; i < parts.count; i++)
        if (change(execution->space, parts.runs[i], error))
            return -1;
    return 0;
}

/* In the space that stays: what heads and tables leave is given back, blocks move there, tables
 * move, and what heads and tables take is taken. */
static int rearrange(struct execution *execution, struct error *error)
{
    CLEANUP(resize_zones_free) struct resize_zones before = {0};
    CLEANUP(resize_zones_free) struct resize_zones after = {0};
    const struct resize_plan *plan = execution->plan;
    ext2_filsys fs = execution->ext4->fs;

    execution->relocating.end = min_u64(plan->old.blocks, plan->new.blocks);
    if (resize_fixed_collect(&plan->old, fs, NULL, &before, error) ||
        resize_fixed_collect(&plan->new, fs, &plan->table_moves, &after, error) ||
        change_difference(execution, &before, &after, ext4_space_give_back, error) ||
        move_late_blocks(execution, error) ||
        resize_relocate_tables(&execution->relocating, &plan->table_moves, false, error) ||
        change_difference(execution, &after, &before, ext4_space_take, error))
        return -1;
    return ext4_space_write(execution->space, error);
}

/* The filesystem's part of the change. What the committed one has free is known no longer. */
static int change_filesystem(struct execution *execution, struct error *error)
{
    if (rearrange(execution, error))
        return -1;
    ext4_space_free(execution->space);
    execution->space = NULL;
    return resize_apply_change(execution->ext4, execution->plan, execution->run->now, error);
}

/* The one commit in which disk and filesystem change their size; none where neither does. */
static int change_geometry(struct execution *execution, struct error *error)
{
    struct disk *disk = execution->disk;
    uint64_t disk_size = execution->run->disk_size;
    bool has_change = resize_plan_has_change(execution->plan);

    if (!has_change && disk_size == disk->size)
        return 0;
    say(execution, "making room");
    if (begin(execution, error) ||
        (disk_size > disk->size && disk_set_size(disk, disk_size, error)))
        return -1;
    if (has_change && change_filesystem(execution, error))
        return -1;
    if (disk_size < disk->size && disk_set_size(disk, disk_size, error))
        return -1;
    if (check_interrupted(execution, error))
        return -1;
    say(execution, "committing");
    return commit(execution, &execution->state->changed, error);
}

/* The copies in groups that were there before. Stale ones harm nobody. */
static int write_copies(struct execution *execution, struct error *error)
{
    if (execution->plan->copies.count == 0)
        return 0;
    say(execution, "writing the copies of the superblock");
    if (resize_copies_write(execution->disk, execution->ext4, execution->plan, error))
        return error_wrap(error, "after the filesystem had its new size");
    return 0;
}

static int prepare(struct execution *execution, struct error *error)
{
    if (!execution->ext4 || resize_plan_is_empty(execution->plan))
        return 0;
    execution->space = ext4_space_new(execution->ext4, error);
    if (!execution->space)
        return -1;
    return resize_relocating_new(execution->ext4, execution->space, execution->plan,
                                 &execution->relocating, error);
}

static int execute(struct execution *execution, struct error *error)
{
    if (prepare(execution, error) || move_inodes(execution, error) ||
        move_shared(execution, error) || move_blocks(execution, error) ||
        change_geometry(execution, error))
        return -1;
    return write_copies(execution, error);
}

int resize_run(struct disk *disk, struct ext4 *ext4, const struct resize_plan *plan,
               const struct resize_run *run, struct resize_state *ret_state, struct error *error)
{
    CLEANUP(cleanup_execution)
    struct execution execution = {
        .disk = disk, .ext4 = ext4, .plan = plan, .run = run, .state = ret_state};

    *ret_state = (struct resize_state){0};
    if (execute(&execution, error)) {
        disk_abort(disk);
        return -1;
    }
    return 0;
}
