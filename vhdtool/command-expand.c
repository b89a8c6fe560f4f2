#include <inttypes.h>

#include "base/size.h"
#include "image-format/file-posix.h"
#include "program/process-posix.h"
#include "program/words.h"
#include "resize/run.h"
#include "vhdtool/command.h"
#include "vhdtool/expand.h"
#include "vhdtool/report.h"

static void say_step(const char *what, void *context)
{
    report_step(context, "%s", what);
}

/* What a failure has left, for the message. */
static const char *state_of(const struct expand_report *report)
{
    const struct resize_state state = {
        .begun = report->begun, .changed = report->changed, .uncertain = report->uncertain};

    return program_state_text(&state);
}

static json_t *sizes_json(const struct expand_sizes *sizes)
{
    return json_pack("{s:o, s:o, s:o}", "virtual_size", json_from_u64(sizes->virtual_size),
                     "file_size", json_from_u64(sizes->file_size), "filesystem_size",
                     sizes->filesystem_size ? json_from_u64(sizes->filesystem_size) : json_null());
}

static void print_sizes(const struct options *options, const char *what, uint64_t before,
                        uint64_t after)
{
    char before_text[SIZE_TEXT_SIZE], after_text[SIZE_TEXT_SIZE];

    size_format(before, before_text);
    size_format(after, after_text);
    if (before == after)
        report_summary(options, "  %-10s %s", what, after_text);
    else
        report_summary(options, "  %-10s %s -> %s", what, before_text, after_text);
}

static void print_filesystem(const struct options *options, const struct expand_report *report)
{
    if (!report->disk_only)
        print_sizes(options, "filesystem", report->before.filesystem_size,
                    report->after.filesystem_size);
    else if (report->contents[0])
        report_summary(options, "  %-10s no ext2, ext3 or ext4 (%s): the disk alone grows",
                       "filesystem", report->contents);
    else
        report_summary(options, "  %-10s none: the disk alone grows", "filesystem");
}

static int report_expansion(const struct options *options, const struct expand_report *report,
                            double seconds, struct error *error)
{
    const char *path = options->operands[0];
    bool same = report->before.virtual_size == report->after.virtual_size &&
                report->before.filesystem_size == report->after.filesystem_size;
    char written[SIZE_TEXT_SIZE];

    if (options->json)
        return report_json(json_pack("{s:o, s:b, s:o, s:o, s:o, s:f}", "path", json_from_text(path),
                                     "dry_run", options->dry_run, "before",
                                     sizes_json(&report->before), "after",
                                     sizes_json(&report->after), "bytes_written",
                                     json_from_u64(report->bytes_written), "seconds", seconds),
                           error);
    report_summary(options, "%s: %s", path,
                   same               ? "has that size already"
                   : options->dry_run ? "would be expanded"
                                      : "expanded");
    print_sizes(options, "disk", report->before.virtual_size, report->after.virtual_size);
    print_filesystem(options, report);
    print_sizes(options, options->dry_run ? "file, most" : "file", report->before.file_size,
                report->after.file_size);
    size_format(report->bytes_written, written);
    if (!same && !options->dry_run)
        report_summary(options, "  %-10s %s in %.2f seconds", "written", written, seconds);
    return 0;
}

static int expand(const struct options *options, struct expand_report *report, struct error *error)
{
    struct expand_request request = {
        .size = options->operand_count > 1 ? options->operands[1] : NULL,
        .force = options->force,
        .dry_run = options->dry_run,
        .interrupted = posix_interrupted,
        .say = say_step,
        .say_context = (void *)(uintptr_t)options,
    };
    double start = posix_clock();
    struct file *file;

    if (program_now(&request.now, error))
        return -1;
    file = file_posix_open(options->operands[0], !options->dry_run, error);
    if (!file || expand_image(file, &request, report, error))
        return -1;
    return report_expansion(options, report, posix_clock() - start, error);
}

static int run_expand(const struct options *options)
{
    struct expand_report report = {0};
    struct error error;

    if (expand(options, &report, &error) == 0)
        return STATUS_DONE;
    report_error(options->operands[0], &error, state_of(&report));
    return report.begun ? STATUS_FAILED : exit_status(&error, true);
}

const struct command command_expand = {
    .name = "expand",
    .summary = "Raise an image's limit: the disk and the ext4 filesystem on it",
    .usage = "expand [OPTIONS] IMAGE [SIZE]",
    .description =
        "SIZE is the disk's new size, or +SIZE what it gets in addition. Without SIZE, the\n"
        "filesystem grows to the disk's size. A filesystem other than ext2, ext3 and ext4 stays\n"
        "as it is: the disk alone grows. A power cut at any moment leaves the old image or the\n"
        "new one, whole.\n",
    .min_operands = 1,
    .max_operands = 2,
    .changes = true,
    .run = run_expand,
};
