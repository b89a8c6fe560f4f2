#include "vhdtool/expand.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/facts.h"
#include "ext4/preflight.h"
#include "ext4/recovery.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "resize/host-space.h"
#include "resize/run.h"
#include "vhdtool/options.h"

struct expansion {
    const struct expand_request *request;
    struct expand_report *report;
    struct disk *disk;
    bool has_ext4;
    struct ext4 ext4;
    struct resize_plan plan;
    uint64_t new_size; /* of the disk, bytes */
};

static void cleanup_expansion(struct expansion *expansion)
{
    resize_plan_free(&expansion->plan);
    if (expansion->has_ext4)
        ext4_release(&expansion->ext4);
    disk_close(expansion->disk);
}

static void say(const struct expansion *expansion, const char *what)
{
    if (expansion->request->say)
        expansion->request->say(what, expansion->request->say_context);
}

static int choose_size(struct expansion *expansion, uint32_t sector_size, struct error *error)
{
    uint64_t present = expansion->disk->size, wanted;

    expansion->new_size = present;
    if (!expansion->request->size)
        return 0;
    if (operand_size(expansion->request->size, present, &wanted, error))
        return -1;
    wanted = round_up(wanted, sector_size);
    if (wanted < present) {
        error_set(error, ERROR_REFUSED,
                  "the size %" PRIu64 " is less than the disk's %" PRIu64 " bytes (more expected)",
                  wanted, present);
        return error_set_remedy(error, "making a disk smaller is shrink's work, and not expand's");
    }
    expansion->new_size = wanted;
    return 0;
}

/* Finds out what is on the disk, when it isn't ext2, ext3 or ext4. */
static int name_contents(struct expansion *expansion, struct error *error)
{
    CLEANUP_FREE struct disk_contents *contents = calloc(1, sizeof *contents);
    struct expand_report *report = expansion->report;

    if (!contents)
        return error_set_no_memory(error);
    if (disk_contents_read(expansion->disk, contents, error))
        return -1;
    report->disk_only = true;
    if (contents->partition_table)
        snprintf(report->contents, sizeof report->contents, "%s partition table",
                 contents->partition_table);
    else
        snprintf(report->contents, sizeof report->contents, "%s", contents->filesystem.type);
    if (expansion->request->size)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "there is no ext2, ext3 or ext4 on the disk%s%s (one "
                     "that grows to the disk's size expected, or a SIZE)",
                     report->contents[0] ? " but: " : "", report->contents);
}

static void recovery_starts(void *context)
{
    struct expansion *expansion = context;

    say(expansion, "recovering the filesystem, which was not unmounted");
    expansion->report->begun = !expansion->request->dry_run;
}

static int plan_filesystem(struct expansion *expansion, struct error *error)
{
    struct resize_request to_size = {RESIZE_TO_SIZE, expansion->new_size};
    struct expand_report *report = expansion->report;
    struct ext4_recovery recovery;
    bool is_there;

    if (ext4_is_there(expansion->disk, &is_there, error))
        return -1;
    if (!is_there)
        return name_contents(expansion, error);
    if (ext4_recover_committed(expansion->disk, expansion->request->now, recovery_starts, expansion,
                               &recovery, error))
        return -1;
    say(expansion, "checking the filesystem");
    if (ext4_open_checked(expansion->disk, expansion->request->force, &expansion->ext4, error))
        return -1;
    expansion->has_ext4 = true;
    if (resize_plan_make(&expansion->ext4, &to_size, &expansion->plan, error))
        return -1;
    report->before.filesystem_size = expansion->plan.old.blocks * expansion->plan.old.block_size;
    report->after.filesystem_size = resize_plan_size(&expansion->plan);
    return 0;
}

static bool has_nothing_to_do(const struct expansion *expansion)
{
    return resize_plan_is_empty(&expansion->plan) && expansion->new_size == expansion->disk->size;
}

/* How large the file can get, and whether the host has room for that. */
static int check_host_space(struct expansion *expansion, uint64_t free_space, struct error *error)
{
    struct expand_report *report = expansion->report;
    uint64_t cost;

    if (resize_check_host_space(expansion->disk, expansion->has_ext4 ? &expansion->ext4 : NULL,
                                &expansion->plan, expansion->new_size, free_space, &cost, error))
        return -1;
    report->after.file_size = report->before.file_size + cost;
    report->bytes_written = expansion->plan.write_bytes;
    return 0;
}

/* The file of a fixed disk has its size, whatever of it takes up space. */
static void foresee_file_size(struct expansion *expansion, const char *type)
{
    struct expand_report *report = expansion->report;

    if (strcmp(type, "fixed") == 0)
        report->after.file_size =
            report->before.file_size + (expansion->new_size - expansion->disk->size);
}

static int plan_all(struct expansion *expansion, struct error *error)
{
    struct expand_report *report = expansion->report;
    struct disk_description description;

    if (disk_describe(expansion->disk, &description, error) ||
        choose_size(expansion, description.logical_sector_size, error))
        return -1;
    report->before.virtual_size = expansion->disk->size;
    report->before.file_size = description.file_size;
    report->after.virtual_size = expansion->new_size;
    report->after.file_size = description.file_size;
    if (plan_filesystem(expansion, error))
        return -1;
    if (check_host_space(expansion, description.host_free_space, error))
        return -1;
    foresee_file_size(expansion, description.type);
    return 0;
}

static int carry_out(struct expansion *expansion, struct error *error)
{
    const struct expand_request *request = expansion->request;
    struct expand_report *report = expansion->report;
    struct disk_description description;
    const struct resize_run run = {
        .disk_size = expansion->new_size,
        .now = request->now,
        .interrupted = request->interrupted,
        .say = request->say,
        .say_context = request->say_context,
    };
    struct resize_state state;
    int result = resize_run(expansion->disk, expansion->has_ext4 ? &expansion->ext4 : NULL,
                            &expansion->plan, &run, &state, error);

    report->begun = report->begun || state.begun;
    report->changed = state.changed;
    report->uncertain = state.uncertain;
    if (result)
        return -1;
    say(expansion, "giving back what became free");
    if (disk_reclaim(expansion->disk, error) || disk_describe(expansion->disk, &description, error))
        return error_wrap(error, "after the image had grown");
    report->after.file_size = description.file_size;
    report->bytes_written = expansion->disk->bytes_written;
    return 0;
}

/* Nothing is to change. What an earlier change has left to do is done all the same: others than
 * this program may not know that it is there. */
static int finish_earlier(struct expansion *expansion, struct error *error)
{
    struct expand_report *report = expansion->report;
    struct disk_description description;

    report->bytes_written = 0;
    report->after.file_size = report->before.file_size;
    if (disk_describe(expansion->disk, &description, error))
        return -1;
    if (expansion->request->dry_run || strcmp(description.log, "dirty") != 0)
        return 0;
    say(expansion, "finishing a change that was interrupted");
    report->begun = true;
    if (disk_begin(expansion->disk, error) || disk_commit(expansion->disk, error) ||
        disk_describe(expansion->disk, &description, error))
        return -1;
    report->bytes_written = expansion->disk->bytes_written;
    report->after.file_size = description.file_size;
    return 0;
}

int expand_image(struct file *file, const struct expand_request *request,
                 struct expand_report *ret_report, struct error *error)
{
    CLEANUP(cleanup_expansion)
    struct expansion expansion = {.request = request, .report = ret_report};

    *ret_report = (struct expand_report){0};
    if (file_lock(file, error)) {
        file_close(file);
        return -1;
    }
    /* What a dry run changes, to look behind a journal, stays in memory. */
    if (request->dry_run)
        file = file_overlay_new(file, error);
    expansion.disk = file ? image_open(file, error) : NULL;
    if (!expansion.disk || plan_all(&expansion, error))
        return -1;
    if (has_nothing_to_do(&expansion))
        return finish_earlier(&expansion, error);
    return request->dry_run ? 0 : carry_out(&expansion, error);
}
