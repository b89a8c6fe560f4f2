/*
 * One parser for the words of every command, driven by tables. Long options
 * take their argument after "=" or a space, short ones after a space or none.
 * "-" and negative sizes ("-10G") are operands; all is after "--".
 */
#ifndef VHDTOOL_OPTIONS_H
#define VHDTOOL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "vhdtool/progress.h"

struct command;

#define OPTIONS_MAX 24 /* of one command's own */

/* One row of a table of options. */
struct option_spec {
    const char *name;     /* the long form without its dashes; NULL ends the table */
    char letter;          /* the short form, or 0 */
    const char *argument; /* what must follow, for the help ("SIZE"); NULL: nothing may */
    const char *help;     /* a phrase without a full stop */
};

/* What the user asked for. */
struct options {
    const struct command *command;
    bool quiet, verbose, json, dry_run, force, help, version;
    enum progress_mode progress;
    char **operands; /* among argv */
    unsigned operand_count;
    const char *values[OPTIONS_MAX]; /* see option_value */
};

/* The options that every command takes, and those that only changing ones do. */
extern const struct option_spec options_common[];
extern const struct option_spec options_changing[];

/* Reads the words after the command's name. argv is reordered: operands first. With --help or
 * --version given, the number of operands isn't checked. ERROR_USAGE on failure. */
int options_parse(const struct command *command, int argc, char **argv, struct options *ret_options,
                  struct error *error);

/* The argument of one of the command's own options, "" where it takes none; NULL: not given. */
const char *option_value(const struct options *options, const char *name);

/* An option's argument as a size in bytes; fallback where it isn't given. A relative size is
 * none here. ERROR_USAGE on failure. */
int option_size(const struct options *options, const char *name, uint64_t fallback,
                uint64_t *ret_size, struct error *error);

/* What an image's operand says as a size; + and - are relative to present. ERROR_USAGE. */
int operand_size(const char *text, uint64_t present, uint64_t *ret_size, struct error *error);

#endif
