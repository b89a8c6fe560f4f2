#include "vhdtool/resizing.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ext4/facts.h"
#include "ext4/recovery.h"
#include "resize/copies.h"
#include "resize/host-space.h"
#include "resize/run.h"

void resizing_close_filesystem(struct resizing *resizing)
{
    resize_plan_free(&resizing->plan);
    if (resizing->has_ext4)
        ext4_release(&resizing->ext4);
    resizing->has_ext4 = false;
}

void resizing_close(struct resizing *resizing)
{
    resizing_close_filesystem(resizing);
    disk_close(resizing->disk);
}

int resizing_open(struct resizing *resizing, struct file *file, struct error *error)
{
    struct change_report *report = resizing->report;

    *report = (struct change_report){0};
    resizing->disk = change_open(resizing->request, file, report, error);
    if (!resizing->disk || disk_describe(resizing->disk, &resizing->description, error))
        return -1;
    resizing->new_size = resizing->disk->size;
    report->before.virtual_size = resizing->disk->size;
    report->before.file_size = resizing->description.file_size;
    report->after = report->before;
    report->exact = true;
    return 0;
}

int resizing_name_contents(struct resizing *resizing, struct error *error)
{
    CLEANUP_FREE struct disk_contents *contents = calloc(1, sizeof *contents);
    struct change_report *report = resizing->report;

    if (!contents)
        return error_set_no_memory(error);
    if (disk_contents_read(resizing->disk, contents, error))
        return -1;
    resizing->ambiguous = contents->ambiguous;
    disk_contents_name(contents, report->contents, sizeof report->contents);
    return 0;
}

static void recovery_starts(void *context)
{
    struct resizing *resizing = context;

    change_say(resizing->request, "recovering the filesystem, which was not unmounted");
    resizing->report->begun = !resizing->request->dry_run;
}

int resizing_open_filesystem(struct resizing *resizing, struct error *error)
{
    const struct change_request *request = resizing->request;
    struct ext4_recovery recovery;
    bool is_there;

    resizing_close_filesystem(resizing);
    if (ext4_is_there(resizing->disk, &is_there, error))
        return -1;
    resizing->report->disk_only = !is_there;
    if (!is_there)
        return resizing_name_contents(resizing, error);
    if (ext4_recover_committed(resizing->disk, request->now, recovery_starts, resizing, &recovery,
                               error))
        return -1;
    change_say(request, "checking the filesystem");
    if (ext4_open_checked(resizing->disk, request->force, &resizing->ext4, error))
        return -1;
    resizing->has_ext4 = true;
    return 0;
}

int resizing_plan(struct resizing *resizing, const struct resize_request *request,
                  struct error *error)
{
    struct change_report *report = resizing->report;
    struct resize_plan *plan = &resizing->plan;

    resize_plan_free(plan);
    if (!resizing->has_ext4)
        return 0;
    if (resize_plan_make(&resizing->ext4, request, plan, error))
        return -1;
    if (report->before.filesystem_size == 0)
        report->before.filesystem_size = plan->old.blocks * plan->old.block_size;
    report->after.filesystem_size = resize_plan_size(plan);
    return 0;
}

static struct ext4 *filesystem_of(struct resizing *resizing)
{
    return resizing->has_ext4 ? &resizing->ext4 : NULL;
}

int resizing_check_host_space(struct resizing *resizing, struct error *error)
{
    struct change_report *report = resizing->report;
    uint64_t cost;

    if (resize_check_host_space(resizing->disk, filesystem_of(resizing), &resizing->plan,
                                resizing->new_size, resizing->description.host_free_space, &cost,
                                error))
        return -1;
    report->after.virtual_size = resizing->new_size;
    /* The file of a fixed disk has its size, whatever of it takes up space. */
    report->exact = strcmp(resizing->description.type, "fixed") == 0;
    if (report->exact)
        cost = resizing->new_size - resizing->disk->size; /* below zero where it shrinks */
    report->after.file_size = resizing->description.file_size + cost;
    report->bytes_written = resizing->plan.write_bytes;
    return 0;
}

bool resizing_is_done(const struct resizing *resizing)
{
    return resize_plan_is_empty(&resizing->plan) && resizing->new_size == resizing->disk->size;
}

int resizing_renew_copies(struct resizing *resizing, struct error *error)
{
    const struct change_request *request = resizing->request;
    struct change_report *report = resizing->report;
    bool stale = false;

    report->bytes_written = 0;
    report->after.file_size = report->before.file_size;
    report->exact = true;
    if (resizing->has_ext4 && resize_copies_are_stale(&resizing->ext4, &stale, error))
        return -1;
    if (request->dry_run || !stale)
        return 0;
    change_say(request, "renewing copies of the superblock, which tell of an earlier state");
    report->begun = true;
    if (resize_copies_renew(resizing->disk, &resizing->ext4, error))
        return -1;
    return resizing_report_file(resizing, error);
}

int resizing_run(struct resizing *resizing, struct error *error)
{
    const struct change_request *request = resizing->request;
    struct change_report *report = resizing->report;
    const struct resize_run run = {
        .disk_size = resizing->new_size,
        .now = request->now,
        .interrupted = request->interrupted,
        .say = request->say,
        .say_context = request->say_context,
        .progress = request->progress,
    };
    struct resize_state state;
    int result =
        resize_run(resizing->disk, filesystem_of(resizing), &resizing->plan, &run, &state, error);

    report->begun = report->begun || state.begun;
    report->moved = report->moved || state.moved;
    report->changed = report->changed || state.changed;
    report->uncertain = state.uncertain;
    return result;
}

int resizing_report_file(struct resizing *resizing, struct error *error)
{
    struct change_report *report = resizing->report;
    struct disk_description description;

    if (disk_describe(resizing->disk, &description, error))
        return -1;
    report->after.virtual_size = description.virtual_size;
    report->after.file_size = description.file_size;
    report->exact = true;
    report->bytes_written = resizing->disk->bytes_written;
    return 0;
}
