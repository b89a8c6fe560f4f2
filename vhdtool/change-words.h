/*
 * The words of the commands that change an image in place: from the options to the request, and
 * from the report to the text or the JSON.
 */
#ifndef VHDTOOL_CHANGE_WORDS_H
#define VHDTOOL_CHANGE_WORDS_H

#include <jansson.h>

#include "vhdtool/change.h"
#include "vhdtool/progress.h"

struct options;

/* One image that is being changed. */
struct change_session {
    const struct options *options;
    const char *path;
    struct change_request request;
    struct progress_display display;
    double start; /* seconds of posix_clock */
};

/* Fills in the session but for the request's size, and opens the file. NULL sets error. *session
 * must not be moved, and has to be ended. */
struct file *change_begin(struct change_session *session, const struct options *options,
                          const char *path, struct error *error);

/* The progress is gone from the terminal; for the words that follow. */
void change_end(struct change_session *session);

/* The object that all of them print; NULL: no memory. */
json_t *change_json(const struct change_session *session, const struct change_report *report);

/* "  disk       1 GiB -> 2 GiB" */
void change_print_sizes(const struct options *options, const char *what, uint64_t before,
                        uint64_t after);

/* "  written    1 MiB in 0.10 seconds" */
void change_print_written(const struct change_session *session, uint64_t bytes);

/* "  filesystem ...", or what is there instead; disk_only: what then becomes of the disk. */
void change_print_filesystem(const struct options *options, const struct change_report *report,
                             const char *disk_only);

/* The exit status of a resize that failed, after printing the error and what state the image is
 * in. */
int change_failed(const char *path, const struct change_report *report, const struct error *error);

#endif
