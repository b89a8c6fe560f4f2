#include "vhdtool/change-words.h"
#include "vhdtool/command.h"
#include "vhdtool/report.h"
#include "vhdtool/shrink.h"

static int report_shrinking(const struct change_job *job, const struct change_report *report,
                            struct error *error)
{
    const struct options *options = job->options;
    bool same = report->before.virtual_size == report->after.virtual_size &&
                report->before.filesystem_size == report->after.filesystem_size;

    if (options->json)
        return report_json(change_json(job, report), error);
    report_summary(options, "%s: %s", job->path,
                   same               ? "has that size already"
                   : options->dry_run ? "would be shrunk"
                                      : "shrunk");
    change_print_sizes(options, "disk", report->before.virtual_size, report->after.virtual_size);
    change_print_filesystem(options, report, "the disk alone shrinks");
    change_print_sizes(options, report->exact ? "file" : "file, most", report->before.file_size,
                       report->after.file_size);
    if ((!same || report->bytes_written > 0) && !options->dry_run)
        change_print_written(job, report->bytes_written);
    return 0;
}

static int run_shrink(const struct options *options)
{
    const char *path = options->operands[0];
    struct change_report report = {0};
    struct change_job job;
    struct error error;
    struct file *file = change_begin(&job, options, path, &error);
    int result;

    job.request.size = options->operands[1];
    result = file ? shrink_image(file, &job.request, &report, &error) : -1;
    change_end(&job);
    if (result || report_shrinking(&job, &report, &error))
        return change_failed(path, &report, &error);
    return STATUS_DONE;
}

const struct command command_shrink = {
    .name = "shrink",
    .summary = "Make an image smaller: the ext4 filesystem, the disk and the file",
    .usage = "shrink [OPTIONS] IMAGE SIZE|min",
    .description =
        "SIZE is the disk's new size, or -SIZE what it loses; min is as small as what is in the\n"
        "filesystem allows. What is in the way moves, filesystem and disk get their size at one\n"
        "instant, then the image is compacted. A filesystem other than ext2, ext3 and ext4 is\n"
        "refused, and so is data behind the filesystem that would be cut off, unless --force\n"
        "says that nobody needs it.\n",
    .min_operands = 2,
    .max_operands = 2,
    .changes = true,
    .run = run_shrink,
};
