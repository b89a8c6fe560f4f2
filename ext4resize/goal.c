#include <inttypes.h>
#include <stdio.h>

#include "base/checked.h"
#include "ext4resize/job.h"
#include "ext4resize/options.h"
#include "ext4resize/size.h"
#include "image-format/zeros.h"
#include "resize/host-space.h"

#define PAGE_SIZE 4096 /* bytes; the default size is whole pages, on all machines the same */
#define BLOCKS_32BIT (UINT64_C(1) << 32)

/* A size in blocks, as the messages have it. */
#define BLOCKS "%" PRIu64 " (%uk) blocks"

static uint32_t kib_of(const struct job *job)
{
    return job->ext4.geometry.block_size / 1024;
}

static int say_nothing_to_do(const struct job *job, bool *ret_done)
{
    fprintf(stderr, "The filesystem is already " BLOCKS " long.  Nothing to do!\n\n", job->wanted,
            kib_of(job));
    *ret_done = true;
    return 0;
}

static int choose_conversion(struct job *job, bool *ret_done, struct error *error)
{
    const struct ext4_geometry *geometry = &job->ext4.geometry;
    bool to_64bit = job->options->to_64bit;

    job->goal = to_64bit ? RESIZE_TO_64BIT : RESIZE_TO_32BIT;
    job->wanted = geometry->blocks;
    if (to_64bit && job->options->to_32bit)
        return error_set(error, ERROR_USAGE, "Cannot set and unset 64bit feature");
    if (geometry->blocks >= BLOCKS_32BIT)
        return error_set(error, ERROR_REFUSED,
                         "Cannot change the 64bit feature on a filesystem that is larger than 2^32 "
                         "blocks");
    if (to_64bit && !ext2fs_has_feature_extents(job->ext4.fs->super))
        return error_set(error, ERROR_REFUSED,
                         "Please enable the extents feature with tune2fs before enabling the 64bit "
                         "feature");
    if (geometry->is_64bit != to_64bit)
        return 0;
    fprintf(stderr, "The filesystem is already %d-bit.\n", to_64bit ? 64 : 32);
    *ret_done = true;
    return 0;
}

static int choose_size(struct job *job, struct error *error)
{
    const struct ext4_geometry *geometry = &job->ext4.geometry;
    uint64_t disk_blocks = job->disk->size / geometry->block_size;

    job->goal = RESIZE_TO_SIZE;
    job->wanted = disk_blocks;
    if (!job->options->size && geometry->block_size < PAGE_SIZE)
        job->wanted = round_down(disk_blocks, PAGE_SIZE / geometry->block_size);
    if (job->options->size &&
        size_read_blocks(job->options->size, geometry->block_size, &job->wanted))
        return error_set(error, ERROR_USAGE, "Invalid new size: %s", job->options->size);
    if (!geometry->is_64bit && job->wanted == BLOCKS_32BIT)
        job->wanted--;
    if (!geometry->is_64bit && job->wanted > BLOCKS_32BIT)
        return error_set(error, ERROR_UNSUPPORTED, "New size too large to be expressed in 32 bits");
    return 0;
}

/* The superblock keeps it for the kernel's allocator, which is all that the option is for. */
static int take_stride(struct job *job, struct error *error)
{
    long stride = job->options->stride;

    if (stride < 0)
        return 0;
    if (stride >= job->ext4.geometry.group_blocks || stride > UINT16_MAX)
        return error_set(error, ERROR_USAGE, "Invalid stride length");
    job->ext4.fs->super->s_raid_stride = (uint16_t)stride;
    return 0;
}

int job_choose_goal(struct job *job, bool *ret_done, struct error *error)
{
    const struct options *options = job->options;

    *ret_done = false;
    if (take_stride(job, error))
        return -1;
    if (options->print_minimum || options->to_minimum) {
        job->goal = RESIZE_TO_MINIMUM;
        return 0;
    }
    if (options->to_64bit || options->to_32bit)
        return choose_conversion(job, ret_done, error);
    if (choose_size(job, error))
        return -1;
    return job->wanted == job->ext4.geometry.blocks ? say_nothing_to_do(job, ret_done) : 0;
}

/* A file is cut off behind the filesystem, as resize2fs does, unless something else stands there:
 * no other copy of that may be left. What a smaller filesystem leaves behind its end is nothing to
 * keep, also where that is lower than asked for, since the last group had no room for its tables.
 */
static int choose_disk_size(struct job *job, struct error *error)
{
    const struct ext4_geometry *geometry = &job->ext4.geometry;
    uint64_t old_end = geometry->blocks * geometry->block_size;
    uint64_t new_blocks = job->wanted < geometry->blocks ? job->plan.new.blocks : job->wanted;
    uint64_t end = new_blocks * geometry->block_size;
    uint64_t data;

    job->disk_size = max_u64(job->disk->size, end);
    if (!job->is_raw || job->is_device || end >= job->disk->size || job->goal == RESIZE_TO_64BIT ||
        job->goal == RESIZE_TO_32BIT)
        return 0;
    if (disk_find_nonzero(job->disk, max_u64(end, old_end), NULL, &data, error))
        return -1;
    if (data == job->disk->size)
        job->disk_size = end;
    else
        fprintf(stderr, "The file keeps its size: behind the filesystem it holds other data.\n");
    return 0;
}

/* What resize2fs says where the size is too small. */
static int too_small(struct job *job, struct error *error)
{
    const struct resize_request request = {.goal = RESIZE_TO_MINIMUM};
    struct error reason = *error;

    resize_plan_free(&job->plan);
    if (reason.kind != ERROR_REFUSED || job->wanted >= job->ext4.geometry.blocks)
        return -1;
    if (resize_plan_make(&job->ext4, &request, &job->plan, error) ||
        job->plan.new.blocks <= job->wanted) {
        *error = reason;
        return -1;
    }
    return error_set(error, ERROR_REFUSED, "New size smaller than minimum (%" PRIu64 ")",
                     job->plan.new.blocks);
}

/* Planning may stop short of what was asked for where it can't do better. */
static int check_reached(const struct job *job, struct error *error)
{
    const struct ext4_geometry *found = &job->plan.new;

    if (job->goal == RESIZE_TO_SIZE && found->blocks > job->wanted)
        return error_set(error, ERROR_UNSUPPORTED, "this filesystem can't be made smaller");
    if ((job->goal == RESIZE_TO_64BIT && !found->is_64bit) ||
        (job->goal == RESIZE_TO_32BIT && found->is_64bit))
        return error_set(error, ERROR_UNSUPPORTED, "this filesystem can't be converted");
    return 0;
}

int job_make_plan(struct job *job, bool *ret_done, struct error *error)
{
    const struct ext4_geometry *geometry = &job->ext4.geometry;
    const struct resize_request request = {job->goal, job->wanted * geometry->block_size};
    uint64_t cost;

    *ret_done = false;
    if (job->goal == RESIZE_TO_SIZE && job->is_device && request.size > job->disk->size)
        return error_set(error, ERROR_REFUSED,
                         "The containing partition (or device) is only " BLOCKS
                         ". You requested a new size of %" PRIu64 " blocks",
                         job->disk->size / geometry->block_size, kib_of(job), job->wanted);
    if (resize_plan_make(&job->ext4, &request, &job->plan, error))
        return too_small(job, error);
    if (job->goal == RESIZE_TO_MINIMUM)
        job->wanted = job->plan.new.blocks;
    if (job->options->print_minimum) {
        printf("Estimated minimum size of the filesystem: %" PRIu64 "\n", job->wanted);
        *ret_done = true;
        return 0;
    }
    if (job->goal == RESIZE_TO_MINIMUM && job->wanted == geometry->blocks)
        return say_nothing_to_do(job, ret_done);
    if (check_reached(job, error) || choose_disk_size(job, error))
        return -1;
    return resize_check_host_space(job->disk, &job->ext4, &job->plan, job->disk_size,
                                   job->description.host_free_space, &cost, error);
}
