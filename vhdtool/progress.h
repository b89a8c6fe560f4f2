/*
 * Shows progress on stderr: a bar on a terminal, one JSON object a line for
 * programs, or nothing.
 */
#ifndef VHDTOOL_PROGRESS_H
#define VHDTOOL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/progress.h"

struct options;

enum progress_mode {
    PROGRESS_AUTO, /* a bar when stderr is a terminal */
    PROGRESS_ALWAYS,
    PROGRESS_NEVER,
    PROGRESS_JSON,
};

struct progress_display {
    struct progress progress;       /* to be passed down: &display.progress */
    enum progress_mode mode;        /* never AUTO */
    const char *image;              /* whose progress it is */
    const char *phase;              /* NULL: nothing shown yet */
    double phase_start, last_shown; /* seconds of posix_clock */
    bool line_open;                 /* the cursor stands behind a bar */
};

/* -q shows nothing. */
void progress_begin(struct progress_display *display, const struct options *options,
                    const char *image);

/* Removes the bar, so that other lines can follow; to be called before any is printed. */
void progress_end(struct progress_display *display);

#define PROGRESS_LINE_SIZE 160

/* The bar's text: "copying  37% [#####       ]  1.2 GiB of 3.2 GiB  210 MiB/s  0:09 left". */
void progress_line(const char *phase, uint64_t done, uint64_t total, double seconds,
                   char line[PROGRESS_LINE_SIZE]);

#endif
