#include <limits.h>

#include "base/size.h"
#include "program/process-posix.h"
#include "vhdtool/change-words.h"
#include "vhdtool/command.h"
#include "vhdtool/compact.h"
#include "vhdtool/report.h"

static int print_json(const struct change_job *job, const struct compact_report *report,
                      struct error *error)
{
    json_t *object = change_json(job, &report->change);

    if (object && json_object_set_new(object, "given_back", json_from_u64(report->given_back))) {
        json_decref(object);
        object = NULL;
    }
    return report_json(object, error);
}

static int report_compaction(const struct change_job *job, const struct compact_report *report,
                             struct error *error)
{
    const struct options *options = job->options;
    const struct change_report *change = &report->change;
    char given_back[SIZE_TEXT_SIZE];

    if (options->json)
        return print_json(job, report, error);
    report_summary(options, "%s: %s", job->path,
                   report->given_back == 0 ? "nothing to give back"
                   : options->dry_run      ? "would be compacted"
                                           : "compacted");
    change_print_sizes(options, "file", change->before.file_size, change->after.file_size);
    change_print_filesystem(options, change, "blocks of zeros alone are given back");
    if (report->given_back == 0)
        return 0;
    size_format(report->given_back, given_back);
    report_summary(options, "  %-10s %s%s", "given back", change->exact ? "" : "about ",
                   given_back);
    if (!options->dry_run)
        change_print_written(job, change->bytes_written);
    return 0;
}

/* What a failure has left, for the message. */
static const char *state_of(const struct change_report *report, const struct error *error)
{
    if (report->uncertain)
        return "the image is valid; its last step is done, or not at all";
    if (report->changed && error->kind == ERROR_INTERRUPTED)
        return "the image is valid; part of it is done, and running it again goes on";
    if (report->changed)
        return "the image is valid; part of it is done";
    if (report->begun)
        return "the image is valid";
    return "the image is untouched";
}

static int compact_one(const struct options *options, const char *path)
{
    struct compact_report report = {0};
    struct compact_request request;
    struct change_job job;
    struct error error;
    struct file *file = change_begin(&job, options, path, &error);
    int result;

    request = (struct compact_request){
        .change = job.request,
        .deep = option_value(options, "deep"),
        .zeros = option_value(options, "zeros"),
        .punch = option_value(options, "punch"),
    };
    result = file ? compact_image(file, &request, &report, &error) : -1;
    change_end(&job);
    if (result == 0 && report_compaction(&job, &report, &error) == 0)
        return STATUS_DONE;
    report_error(path, &error, state_of(&report.change, &error));
    return report.change.begun ? STATUS_FAILED : exit_status(&error, true);
}

/* A signal ends it all, and no image after it is begun. */
static int run_compact(const struct options *options)
{
    int worst = STATUS_DONE;

    for (unsigned i = 0; i < options->operand_count; i++) {
        int status = compact_one(options, options->operands[i]);

        worst = status_of_both(worst, status);
        if (status != STATUS_DONE && posix_interrupted())
            break;
    }
    return worst;
}

static const struct option_spec compact_options[] = {
    {"deep", 0, NULL, "move files' blocks together first, so that more becomes free"},
    {"zeros", 0, NULL, "look for blocks of zeros in files' data, too: reads all data"},
    {"punch", 0, NULL, "raw images: make holes in the file where nothing is used"},
    {0},
};

const struct command command_compact = {
    .name = "compact",
    .summary = "Give space that the filesystem doesn't use back to the host",
    .usage = "compact [OPTIONS] IMAGE...",
    .description =
        "What an ext2, ext3 or ext4 filesystem has free goes back, without zeroing or mounting "
        "it;\n"
        "of other disks, blocks of zeros. The disk keeps its size and its files, and the file\n"
        "gets shorter. Where there are several images, it goes on after one that fails. Running\n"
        "it again goes on where an interruption came.\n",
    .options = compact_options,
    .min_operands = 1,
    .max_operands = UINT_MAX,
    .changes = true,
    .run = run_compact,
};
