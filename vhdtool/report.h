/*
 * What the program says: results on stdout, everything else on stderr, and the
 * exit statuses that go with errors.
 */
#ifndef VHDTOOL_REPORT_H
#define VHDTOOL_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct guid;
struct options;

enum {
    STATUS_DONE = 0,
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
    STATUS_REFUSED = 3, /* by a safety check; the image is untouched */
};

/* The exit status for an error; changing: of a command that would change the image, which is
 * untouched when it wasn't understood. */
int exit_status(const struct error *error, bool changing);

/* The status of a command that two images had one each from: a failure counts for more than a
 * refusal, which says that the image is untouched. */
int status_of_both(int one, int other);

/* program_print_error, of an image or of none. */
void report_error(const char *image, const struct error *error, const char *state);

/* Says on stderr what is being done, with -v. */
void report_step(const struct options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints a finished text on stdout. */
void report_text(const char *text);

/* Prints the object as one line on stdout and drops the reference to it. NULL (memory ran out
 * while it was built) is an error. */
int report_json(json_t *object, struct error *error);

/* As report_text for what --json or -q leaves out. */
void report_summary(const struct options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* JSON values: a size or count; a text that may hold any bytes, null when it is NULL; an id,
 * null when it is zero. */
json_t *json_from_u64(uint64_t value);
json_t *json_from_text(const char *text);
json_t *json_from_guid(const struct guid *guid);

#endif
