#include "vhdtool/change-words.h"

#include "base/size.h"
#include "image-format/file-posix.h"
#include "program/process-posix.h"
#include "program/words.h"
#include "resize/run.h"
#include "vhdtool/options.h"
#include "vhdtool/report.h"

static void say_step(const char *what, void *context)
{
    struct change_session *session = context;

    if (!session->options->verbose)
        return;
    progress_end(&session->display);
    report_step(session->options, "%s", what);
}

struct file *change_begin(struct change_session *session, const struct options *options,
                          const char *path, struct error *error)
{
    *session = (struct change_session){
        .options = options,
        .path = path,
        .request =
            {
                .force = options->force,
                .dry_run = options->dry_run,
                .interrupted = posix_interrupted,
                .say = say_step,
                .say_context = session,
                .progress = &session->display.progress,
            },
        .start = posix_clock(),
    };
    progress_begin(&session->display, options, path);
    if (program_now(&session->request.now, error))
        return NULL;
    return file_posix_open(path, !options->dry_run, error);
}

void change_end(struct change_session *session)
{
    progress_end(&session->display);
}

static json_t *sizes_json(const struct image_sizes *sizes)
{
    return json_pack("{s:o, s:o, s:o}", "virtual_size", json_from_u64(sizes->virtual_size),
                     "file_size", json_from_u64(sizes->file_size), "filesystem_size",
                     sizes->filesystem_size ? json_from_u64(sizes->filesystem_size) : json_null());
}

json_t *change_json(const struct change_session *session, const struct change_report *report)
{
    return json_pack("{s:o, s:b, s:o, s:o, s:b, s:o, s:f}", "path", json_from_text(session->path),
                     "dry_run", session->options->dry_run, "before", sizes_json(&report->before),
                     "after", sizes_json(&report->after), "file_size_exact", report->exact,
                     "bytes_written", json_from_u64(report->bytes_written), "seconds",
                     posix_clock() - session->start);
}

void change_print_sizes(const struct options *options, const char *what, uint64_t before,
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

void change_print_written(const struct change_session *session, uint64_t bytes)
{
    char text[SIZE_TEXT_SIZE];

    size_format(bytes, text);
    report_summary(session->options, "  %-10s %s in %.2f seconds", "written", text,
                   posix_clock() - session->start);
}

void change_print_filesystem(const struct options *options, const struct change_report *report,
                             const char *disk_only)
{
    if (!report->disk_only)
        change_print_sizes(options, "filesystem", report->before.filesystem_size,
                           report->after.filesystem_size);
    else if (report->contents[0])
        report_summary(options, "  %-10s no ext2, ext3 or ext4 (%s): %s", "filesystem",
                       report->contents, disk_only);
    else
        report_summary(options, "  %-10s none: %s", "filesystem", disk_only);
}

int change_failed(const char *path, const struct change_report *report, const struct error *error)
{
    const struct resize_state state = {
        .begun = report->begun,
        .moved = report->moved,
        .changed = report->changed,
        .uncertain = report->uncertain,
    };

    report_error(path, error, program_state_text(&state));
    return report->begun ? STATUS_FAILED : exit_status(error, true);
}
