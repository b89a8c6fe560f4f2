#include "vhdtool/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "program/process-posix.h"
#include "vhdtool/options.h"
#include "vhdtool/report.h"

#define BAR_WIDTH 24
#define INTERVAL 0.2 /* seconds between two bars */

/* What follows the bar once the rate is known. */
static void format_rest(uint64_t done, uint64_t total, double seconds, char *text, size_t size)
{
    double rate = (double)done / seconds;
    uint64_t left = total > done && rate > 0 ? (uint64_t)((double)(total - done) / rate) : 0;
    char rate_text[SIZE_TEXT_SIZE];

    size_format((uint64_t)rate, rate_text);
    if (total == 0)
        snprintf(text, size, "  %s/s", rate_text);
    else if (left >= 3600)
        snprintf(text, size, "  %s/s  %" PRIu64 ":%02u:%02u left", rate_text, left / 3600,
                 (unsigned)(left / 60 % 60), (unsigned)(left % 60));
    else
        snprintf(text, size, "  %s/s  %u:%02u left", rate_text, (unsigned)(left / 60),
                 (unsigned)(left % 60));
}

void progress_line(const char *phase, uint64_t done, uint64_t total, double seconds,
                   char line[PROGRESS_LINE_SIZE])
{
    static const char full[] = "########################";
    char done_text[SIZE_TEXT_SIZE], total_text[SIZE_TEXT_SIZE], rest[80] = "";
    double part = total == 0 ? 0 : done >= total ? 1 : (double)done / (double)total;
    int filled = (int)(part * BAR_WIDTH);

    _Static_assert(sizeof full == BAR_WIDTH + 1, "the bar is as wide as its filling");
    size_format(done, done_text);
    size_format(total, total_text);
    if (seconds >= 1 && done > 0)
        format_rest(done, total, seconds, rest, sizeof rest);
    if (total == 0)
        snprintf(line, PROGRESS_LINE_SIZE, "%.24s  %s%s", phase, done_text, rest);
    else
        snprintf(line, PROGRESS_LINE_SIZE, "%.24s %3d%% [%-*.*s] %s of %s%s", phase,
                 (int)(part * 100), BAR_WIDTH, filled, full, done_text, total_text, rest);
}

static void show_json(const struct progress_display *display, const char *phase, uint64_t done,
                      uint64_t total, double seconds)
{
    json_t *line = json_pack("{s:o, s:s, s:o, s:o, s:f}", "path", json_from_text(display->image),
                             "phase", phase, "done", json_from_u64(done), "total",
                             total ? json_from_u64(total) : json_null(), "seconds", seconds);

    if (line && json_dumpf(line, stderr, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0)
        fputc('\n', stderr);
    json_decref(line);
}

static void update(struct progress *progress, const char *phase, uint64_t done, uint64_t total)
{
    struct progress_display *display = (struct progress_display *)progress;
    double now = posix_clock();
    char line[PROGRESS_LINE_SIZE];

    if (display->mode == PROGRESS_NEVER)
        return;
    if (!display->phase || strcmp(display->phase, phase) != 0) {
        display->phase = phase;
        display->phase_start = now;
    } else if (now - display->last_shown < INTERVAL && (total == 0 || done < total)) {
        return;
    }
    display->last_shown = now;
    if (display->mode == PROGRESS_JSON) {
        show_json(display, phase, done, total, now - display->phase_start);
        return;
    }
    progress_line(phase, done, total, now - display->phase_start, line);
    fprintf(stderr, "\r%s\033[K", line);
    display->line_open = true;
}

void progress_begin(struct progress_display *display, const struct options *options,
                    const char *image)
{
    *display = (struct progress_display){
        .progress = {.update = update}, .mode = options->progress, .image = image};
    if (options->quiet)
        display->mode = PROGRESS_NEVER;
    else if (display->mode == PROGRESS_AUTO)
        display->mode = posix_is_terminal(2) ? PROGRESS_ALWAYS : PROGRESS_NEVER;
}

void progress_end(struct progress_display *display)
{
    if (display->line_open)
        fputs("\r\033[K", stderr);
    display->line_open = false;
}
