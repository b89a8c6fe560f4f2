#include <inttypes.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/size.h"
#include "ext4resize/bars.h"
#include "ext4resize/job.h"
#include "ext4resize/options.h"
#include "ext4resize/undo-file.h"
#include "image-format/file.h"
#include "program/process-posix.h"
#include "resize/copies.h"

#define SLACK (1 * MIB)

/* Of the geometry that it has, or will have. */
static uint64_t size_of(const struct ext4_geometry *geometry)
{
    return geometry->blocks * geometry->block_size;
}

/* What the steps zero, and moves that copy nothing, in bytes of the old disk. */
static uint64_t zeroed_size(const struct job *job)
{
    const struct resize_relocation *relocation = &job->plan.relocation;
    uint64_t blocks = relocation->blocks - relocation->copied;
    uint64_t old_blocks = job->disk->size / job->plan.new.block_size;

    for (size_t i = 0; i < job->plan.steps.count; i++) {
        const struct resize_step *step = &job->plan.steps.list[i];

        if (step->kind == RESIZE_ZERO && step->place < old_blocks)
            blocks += step->count;
    }
    return blocks * job->plan.new.block_size;
}

/* What is in the way. */
static void print_moves(const struct resize_plan *plan)
{
    uint64_t groups = plan->vacated.count + plan->table_moves.count;
    char moved[SIZE_TEXT_SIZE];

    size_format(plan->relocation.blocks * plan->old.block_size, moved);
    if (plan->relocation.blocks > 0)
        printf("  moves     %" PRIu64 " blocks (%s) of %zu inodes\n", plan->relocation.blocks,
               moved, plan->relocation.inode_count);
    if (plan->inode_move_count > 0)
        printf("  renumbers %zu inodes\n", plan->inode_move_count);
    if (groups > 0)
        printf("  tables    of %" PRIu64 " groups move\n", groups);
}

void job_print_plan(const struct job *job)
{
    const struct resize_plan *plan = &job->plan;
    char before[SIZE_TEXT_SIZE], after[SIZE_TEXT_SIZE], written[SIZE_TEXT_SIZE];

    size_format(size_of(&plan->old), before);
    size_format(size_of(&plan->new), after);
    size_format(plan->write_bytes, written);
    printf("Plan for %s:\n", job->options->device);
    printf("  size      %" PRIu64 " blocks (%s) -> %" PRIu64 " blocks (%s)\n", plan->old.blocks,
           before, plan->new.blocks, after);
    printf("  groups    %" PRIu32 " -> %" PRIu32 "\n", plan->old.groups, plan->new.groups);
    printf("  inodes    %" PRIu64 " -> %" PRIu64 "\n",
           (uint64_t)plan->old.groups * plan->old.group_inodes,
           (uint64_t)plan->new.groups * plan->new.group_inodes);
    if (plan->old.is_64bit != plan->new.is_64bit)
        printf("  64bit     %s -> %s\n", plan->old.is_64bit ? "yes" : "no",
               plan->new.is_64bit ? "yes" : "no");
    print_moves(plan);
    printf("  writes    %s (%" PRIu64 " bytes)\n", written, plan->write_bytes);
    if (job->disk_size != job->disk->size)
        printf("  disk      %" PRIu64 " -> %" PRIu64 " bytes\n", job->disk->size, job->disk_size);
}

static void announce(const struct job *job)
{
    const struct options *options = job->options;

    if (job->undo_path)
        printf("Overwriting existing filesystem; this can be undone using the command:\n"
               "    e2undo %s %s\n\n",
               job->undo_path, options->device);
    if (job->goal == RESIZE_TO_64BIT || job->goal == RESIZE_TO_32BIT)
        printf("Converting the filesystem to %d-bit.\n", job->goal == RESIZE_TO_64BIT ? 64 : 32);
    else
        printf("Resizing the filesystem on %s to %" PRIu64 " (%uk) blocks.\n", options->device,
               job->wanted, job->plan.new.block_size / 1024);
    fflush(stdout);
}

/* What the disk holds from a byte on, holes aside. */
static int data_size_from(struct disk *disk, uint64_t offset, uint64_t *ret_size,
                          struct error *error)
{
    struct disk_extent extent;

    for (*ret_size = 0; offset < disk->size; offset += extent.size) {
        if (disk_get_extent(disk, offset, disk->size, &extent, error))
            return -1;
        if (extent.state == DISK_EXTENT_DATA)
            *ret_size += extent.size;
    }
    return 0;
}

/* Twice what is written: a block may be copied out of the way and the place it had written to. */
static int check_undo_space(struct job *job, struct error *error)
{
    uint64_t cut_off;

    if (!job->undo)
        return 0;
    if (data_size_from(job->disk, job->disk_size, &cut_off, error))
        return -1;
    return undo_file_check_space(
        job->undo, 2 * job->plan.write_bytes + zeroed_size(job) + cut_off + SLACK, error);
}

static void say_step(const char *what, void *context)
{
    (void)context;
    printf("%s\n", what);
    fflush(stdout);
}

static int carry_out(struct job *job, struct bars *bars, struct error *error)
{
    const struct resize_run run = {
        .disk_size = job->disk_size,
        .now = job->now,
        .interrupted = posix_interrupted,
        .say = job->options->debug ? say_step : NULL,
        .progress = job->options->show_progress ? &bars->progress : NULL,
    };
    bool had_begun = job->state.begun;
    int result = resize_run(job->disk, &job->ext4, &job->plan, &run, &job->state, error);

    job->state.begun = job->state.begun || had_begun;
    return result ? -1 : disk_reclaim(job->disk, error);
}

int job_run(struct job *job, struct error *error)
{
    const struct ext4_geometry *now = &job->plan.new;
    struct bars bars;
    int result;

    if (check_undo_space(job, error))
        return -1;
    posix_catch_interrupts();
    announce(job);
    bars_begin(&bars);
    result = carry_out(job, &bars, error);
    bars_end(&bars, result == 0);
    if (result)
        return -1;
    printf("The filesystem on %s is now %" PRIu64 " (%uk) blocks long.\n\n", job->options->device,
           now->blocks, now->block_size / 1024);
    if (job->undo && job->disk->size > undo_file_old_size(job->undo))
        printf("e2undo leaves the file at its new length; `truncate -s %" PRIu64
               "` gives it the old one.\n",
               undo_file_old_size(job->undo));
    return 0;
}

int job_renew_copies(struct job *job, struct error *error)
{
    bool stale;

    if (!job->changes)
        return 0;
    if (resize_copies_are_stale(&job->ext4, &stale, error))
        return -1;
    if (!stale)
        return 0;
    printf("Renewing copies of the superblock, which tell of an earlier state.\n");
    job->state.begun = true;
    return resize_copies_renew(job->disk, &job->ext4, error);
}

int job_finish_undo(struct job *job, struct error *error)
{
    if (!job->undo)
        return 0;
    disk_abort(job->disk);
    return undo_file_finish(job->undo, error);
}
