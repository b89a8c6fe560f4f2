#include "compaction/compaction.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "compaction/usage.h"
#include "ext4/facts.h"
#include "ext4/recovery.h"
#include "ext4/survey.h"
#include "image-format/disk.h"
#include "resize/host-space.h"
#include "resize/pack.h"
#include "resize/run.h"

struct job {
    struct disk *disk;
    const struct compaction_request *request;
    struct compaction_report *report;
    struct disk_description description; /* at the beginning */
    bool has_ext4;
    struct ext4 ext4;
    struct resize_packing packing;
    struct usage usage;
    struct disk_compaction *compaction;
};

static void cleanup_job(struct job *job)
{
    disk_compaction_free(job->compaction);
    usage_free(&job->usage);
    resize_packing_free(&job->packing);
    if (job->has_ext4)
        ext4_release(&job->ext4);
    disk_abort(job->disk);
}

static void say(const struct job *job, const char *what)
{
    if (job->request->say)
        job->request->say(what, job->request->say_context);
}

static struct disk_watch watch_of(const struct job *job)
{
    return (struct disk_watch){job->request->progress, job->request->interrupted};
}

/* A superblock may have stayed where something else was made since: what it has as free may be
 * that one's data. So the filesystem counts only where there is no sign of anything else. */
static int find_filesystem(struct job *job, bool *ret_is_ext4, struct error *error)
{
    CLEANUP_FREE struct disk_contents *contents = calloc(1, sizeof *contents);
    char *name = job->report->contents;
    size_t size = sizeof job->report->contents;
    bool is_there;

    if (!contents)
        return error_set_no_memory(error);
    if (disk_contents_read(job->disk, contents, error) ||
        ext4_is_there(job->disk, &is_there, error))
        return -1;
    *ret_is_ext4 = is_there && !contents->partition_table && !contents->ambiguous;
    if (is_there && !contents->partition_table && contents->ambiguous)
        snprintf(name, size, "%s and signs of something else", contents->filesystem.type);
    else if (!*ret_is_ext4)
        disk_contents_name(contents, name, size);
    return 0;
}

static int visit_nothing(const struct ext4_inode_view *view, void *context, struct error *error)
{
    (void)view;
    (void)context;
    (void)error;
    return 0;
}

static int open_filesystem(struct job *job, struct error *error)
{
    if (ext4_open_checked(job->disk, job->request->force, &job->ext4, error))
        return -1;
    job->has_ext4 = true;
    job->report->filesystem_size = job->ext4.geometry.blocks * job->ext4.geometry.block_size;
    return 0;
}

static void begin_recovery(void *context)
{
    struct job *job = context;

    say(job, "recovering the filesystem, which was not unmounted");
    job->report->begun = !job->request->dry_run;
}

/* Recovers, opens, and checks that the bitmaps are true: what no inode claims is what they have as
 * free. */
static int prepare(struct job *job, struct error *error)
{
    struct ext4_recovery recovery;
    bool is_ext4;
    int result;

    if (find_filesystem(job, &is_ext4, error))
        return -1;
    if (!is_ext4)
        return 0;
    result =
        ext4_recover_committed(job->disk, job->request->now, begin_recovery, job, &recovery, error);
    job->report->uncertain = job->disk->uncertain;
    job->report->changed = recovery.done && job->disk->committed && !job->request->dry_run;
    if (result)
        return -1;
    say(job, "checking the filesystem");
    return open_filesystem(job, error) || ext4_survey(&job->ext4, visit_nothing, NULL, error) ? -1
                                                                                              : 0;
}

static int carry_out_packing(struct job *job, struct error *error)
{
    const struct compaction_request *request = job->request;
    const struct resize_run run = {
        .disk_size = job->disk->size,
        .now = request->now,
        .interrupted = request->interrupted,
        .say = request->say,
        .say_context = request->say_context,
        .progress = request->progress,
    };
    struct resize_state state;
    int result = resize_run(job->disk, &job->ext4, &job->packing.plan, &run, &state, error);

    ext4_release(&job->ext4);
    job->has_ext4 = false;
    job->report->begun = job->report->begun || state.begun;
    job->report->changed = job->report->changed || state.moved || state.changed;
    job->report->uncertain = state.uncertain;
    return result || open_filesystem(job, error) ? -1 : 0;
}

static int collect(struct job *job, enum usage_zeros zeros, struct error *error)
{
    const struct disk_watch watch = watch_of(job);

    if (usage_collect(job->disk, job->has_ext4 ? &job->ext4 : NULL, usage_unit(&job->description),
                      zeros, &watch, &job->usage, error))
        return -1;
    if (job->request->dry_run &&
        usage_add_zones(&job->usage, &job->packing.emptied, job->ext4.geometry.block_size, error))
        return -1;
    return disk_plan_compaction(job->disk, job->usage.unused, job->usage.count, &job->compaction,
                                error);
}

/* The file may have grown or become shorter since the beginning. */
static void foresee(struct job *job, uint64_t present_file_size)
{
    const struct disk_compaction *compaction = job->compaction;
    uint64_t all = job->description.file_size + compaction->given_back;

    job->report->file_size = compaction->file_size;
    job->report->moved = compaction->moved;
    job->report->exact = !job->request->dry_run || job->packing.emptied.count == 0;
    job->report->given_back = all - min_u64(all, present_file_size);
}

static int carry_out(struct job *job, struct error *error)
{
    const struct disk_watch watch = watch_of(job);
    uint64_t written = job->disk->bytes_written;
    int result;

    say(job, "giving back what isn't used");
    result = disk_compact(job->disk, job->compaction, &watch, error);
    /* Holes are made without writing a byte; one that failed may be there in part. */
    job->report->begun = job->report->begun || job->disk->bytes_written != written ||
                         job->disk->committed || job->disk->failed;
    job->report->changed = job->report->changed || job->disk->committed;
    job->report->uncertain = result && job->disk->uncertain;
    return result;
}

/* Gives back what isn't used as the filesystem is now. */
static int give_back(struct job *job, struct error *error)
{
    struct disk_description description;

    usage_free(&job->usage);
    disk_compaction_free(TAKE(job->compaction));
    say(job, "finding out what isn't used");
    if (collect(job, job->request->zeros ? USAGE_ZEROS_ALL : USAGE_ZEROS_REST, error) ||
        disk_describe(job->disk, &description, error))
        return -1;
    foresee(job, description.file_size);
    return job->request->dry_run ? 0 : carry_out(job, error);
}

static int plan_packing(struct job *job, struct error *error)
{
    resize_packing_free(&job->packing);
    say(job, "planning the packing of the filesystem");
    return resize_plan_packing(&job->ext4, usage_unit(&job->description), &job->packing, error);
}

static int check_host_space(struct job *job, struct error *error)
{
    struct disk_description description;
    uint64_t cost;

    if (disk_describe(job->disk, &description, error))
        return -1;
    return resize_check_host_space(job->disk, &job->ext4, &job->packing.plan, job->disk->size,
                                   description.host_free_space, &cost, error);
}

/* Moves blocks within the filesystem; with dry_run, only what would be emptied is found. On a host
 * without room for that, what is free already goes first. */
static int pack(struct job *job, struct error *error)
{
    if (plan_packing(job, error))
        return -1;
    if (job->packing.emptied.count == 0 || job->request->dry_run)
        return 0;
    if (check_host_space(job, error) && (error->kind != ERROR_REFUSED || give_back(job, error) ||
                                         plan_packing(job, error) || check_host_space(job, error)))
        return -1;
    return carry_out_packing(job, error);
}

static int run(struct job *job, struct error *error)
{
    bool packs;

    if (disk_describe(job->disk, &job->description, error))
        return -1;
    job->report->file_size = job->description.file_size;
    /* Without blocks of its own a disk gives up as little as a filesystem has free. */
    packs = job->request->deep && job->description.block_size > 0;
    return prepare(job, error) || (packs && job->has_ext4 && pack(job, error)) ||
                   give_back(job, error)
               ? -1
               : 0;
}

int compaction_run(struct disk *disk, const struct compaction_request *request,
                   struct compaction_report *ret_report, struct error *error)
{
    CLEANUP(cleanup_job)
    struct job job = {.disk = disk, .request = request, .report = ret_report};

    *ret_report = (struct compaction_report){0};
    return run(&job, error);
}

static int look(struct job *job, bool *ret_known, struct error *error)
{
    struct ext4_recovery recovery;
    bool is_ext4;

    if (disk_describe(job->disk, &job->description, error) || find_filesystem(job, &is_ext4, error))
        return -1;
    if (!is_ext4)
        return 0;
    if (ext4_recover_committed(job->disk, 0, NULL, NULL, &recovery, error) ||
        open_filesystem(job, error) || collect(job, USAGE_NO_ZEROS, error))
        return -1;
    *ret_known = job->usage.unknown == 0;
    return 0;
}

int compaction_foresee(struct disk *disk, bool *ret_known, uint64_t *ret_given_back,
                       struct error *error)
{
    const struct compaction_request request = {.dry_run = true};
    struct compaction_report report = {0};
    CLEANUP(cleanup_job) struct job job = {.disk = disk, .request = &request, .report = &report};
    struct disk_description description;

    *ret_known = false;
    if (look(&job, ret_known, error))
        return -1;
    if (!*ret_known)
        return 0;
    if (disk_describe(disk, &description, error))
        return -1;
    foresee(&job, description.file_size);
    *ret_given_back = report.given_back;
    return 0;
}
