#include "vhdtool/compact.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "compaction/compaction.h"
#include "image-format/disk.h"

static void take_over(const struct compaction_report *from, struct compact_report *report)
{
    struct change_report *change = &report->change;

    report->given_back = from->given_back;
    change->after.file_size = from->file_size;
    change->after.filesystem_size = from->filesystem_size;
    change->disk_only = from->filesystem_size == 0;
    snprintf(change->contents, sizeof change->contents, "%s", from->contents);
    change->begun = change->begun || from->begun;
    change->changed = change->changed || from->changed;
    change->uncertain = from->uncertain;
    change->exact = from->exact;
}

int compact_disk(struct disk *disk, const struct compact_request *request,
                 struct compact_report *report, struct error *error)
{
    const struct change_request *change = &request->change;
    const struct compaction_request compaction = {
        .deep = request->deep,
        .zeros = request->zeros,
        .dry_run = change->dry_run,
        .force = change->force,
        .now = change->now,
        .interrupted = change->interrupted,
        .say = change->say,
        .say_context = change->say_context,
        .progress = change->progress,
    };
    struct compaction_report compacted = {0};
    struct disk_description description;
    int result = compaction_run(disk, &compaction, &compacted, error);

    take_over(&compacted, report);
    report->change.bytes_written = compacted.moved;
    if (result || change->dry_run)
        return result;
    if (disk_describe(disk, &description, error))
        return -1;
    report->change.after.file_size = description.file_size;
    report->change.bytes_written = disk->bytes_written;
    return 0;
}

/* Holes are how the file of a raw image gives back storage. Others wouldn't open a VHDX with
 * some in it: Windows refuses sparse ones. */
static int check_format(const char *format, bool punch, struct error *error)
{
    bool is_raw = strcmp(format, "raw") == 0;

    if (is_raw == punch)
        return 0;
    if (punch)
        return error_set(error, ERROR_REFUSED, "a %s is compacted without holes: leave --punch out",
                         strcmp(format, "vhdx") == 0 ? "VHDX" : format);
    error_set(error, ERROR_REFUSED,
              "the file of a raw image has the disk's size, and can only get holes in it");
    return error_set_remedy(error, "with --punch, what isn't used becomes holes");
}

int compact_image(struct file *file, const struct compact_request *request,
                  struct compact_report *ret_report, struct error *error)
{
    CLEANUP(cleanup_disk) struct disk *disk = NULL;
    struct image_sizes *before = &ret_report->change.before;
    struct disk_description description;

    *ret_report = (struct compact_report){0};
    disk = change_open(&request->change, file, &ret_report->change, error);
    if (!disk || disk_describe(disk, &description, error) ||
        check_format(description.format, request->punch, error))
        return -1;
    before->virtual_size = description.virtual_size;
    before->file_size = description.file_size;
    ret_report->change.after = *before;
    if (compact_disk(disk, request, ret_report, error))
        return -1;
    before->filesystem_size = ret_report->change.after.filesystem_size;
    return 0;
}
