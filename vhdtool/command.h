/*
 * A command: one file each (command-NAME.c), and one table of them all, from
 * which the help and the exit statuses follow.
 *
 * A command prints its own errors with report_error, goes on with the next
 * image where it takes several, and returns the exit status.
 */
#ifndef VHDTOOL_COMMAND_H
#define VHDTOOL_COMMAND_H

#include <stdbool.h>

#include "vhdtool/options.h"

struct command {
    const char *name;
    const char *summary;               /* for the list of commands: a phrase without a full stop */
    const char *usage;                 /* with its name: "expand [OPTIONS] IMAGE [SIZE]" */
    const char *description;           /* for its help: whole lines, or NULL */
    const struct option_spec *options; /* its own, ended by a name of NULL; NULL: none */
    unsigned min_operands, max_operands;
    bool changes; /* it changes something: it takes --dry-run and --force */
    int (*run)(const struct options *options);
};

/* All commands, in the order of the help; ended by NULL. */
extern const struct command *const commands[];

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);

/* The command whose name a typo was probably meant for, or NULL. */
const char *command_nearest(const char *name);

extern const struct command command_compact;
extern const struct command command_create;
extern const struct command command_expand;
extern const struct command command_info;
extern const struct command command_shrink;

#endif
