#include "vhdtool/change-words.h"
#include "vhdtool/command.h"
#include "vhdtool/expand.h"
#include "vhdtool/report.h"

static int report_expansion(const struct change_session *session,
                            const struct change_report *report, struct error *error)
{
    const struct options *options = session->options;
    bool same = report->before.virtual_size == report->after.virtual_size &&
                report->before.filesystem_size == report->after.filesystem_size;

    if (options->json)
        return report_json(change_json(session, report), error);
    report_summary(options, "%s: %s", session->path,
                   same               ? "has that size already"
                   : options->dry_run ? "would be expanded"
                                      : "expanded");
    change_print_sizes(options, "disk", report->before.virtual_size, report->after.virtual_size);
    change_print_filesystem(options, report, "the disk alone grows");
    change_print_sizes(options, options->dry_run ? "file, most" : "file", report->before.file_size,
                       report->after.file_size);
    if (!same && !options->dry_run)
        change_print_written(session, report->bytes_written);
    return 0;
}

static int run_expand(const struct options *options)
{
    const char *path = options->operands[0];
    struct change_report report = {0};
    struct change_session session;
    struct error error;
    struct file *file = change_begin(&session, options, path, &error);
    int result;

    session.request.size = options->operand_count > 1 ? options->operands[1] : NULL;
    result = file ? expand_image(file, &session.request, &report, &error) : -1;
    change_end(&session);
    if (result || report_expansion(&session, &report, &error))
        return change_failed(path, &report, &error);
    return STATUS_DONE;
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
