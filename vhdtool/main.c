/*
 * vhdtool: looks up the command, reads its words, runs it.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "program/process-posix.h"
#include "program/words.h"
#include "vhdtool/command.h"
#include "vhdtool/help.h"
#include "vhdtool/report.h"

static int fail_usage(const struct error *error)
{
    report_error(NULL, error, NULL);
    return STATUS_USAGE;
}

static int unknown_command(const char *word)
{
    const char *nearest = command_nearest(word);
    struct error error;

    error_set(&error, ERROR_USAGE, "unknown command \"%s\"", word);
    if (nearest)
        error_set_remedy(&error, "did you mean `vhdtool %s`?", nearest);
    else
        error_set_remedy(&error, "see `vhdtool --help`");
    return fail_usage(&error);
}

static int print_help(const struct command *command)
{
    struct error error;

    if (help_print(command) == 0)
        return STATUS_DONE;
    error_set_no_memory(&error);
    report_error(NULL, &error, NULL);
    return STATUS_FAILED;
}

static int print_version(void)
{
    report_text("vhdtool " PROGRAM_VERSION "\n");
    return STATUS_DONE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct options options;
    struct error error;

    if (options_parse(command, argc, argv, &options, &error)) {
        error_wrap(&error, "%s", command->name);
        return fail_usage(&error);
    }
    if (options.help)
        return print_help(command);
    if (options.version)
        return print_version();
    if (command->changes)
        posix_catch_interrupts();
    return command->run(&options);
}

/* Runs what the words after the program's name ask for; argc is above zero. */
static int run(int argc, char **argv)
{
    const struct command *command;
    bool is_help = strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0;

    if (strcmp(argv[0], "--version") == 0)
        return print_version();
    if (is_help || (strcmp(argv[0], "help") == 0 && argc == 1))
        return print_help(NULL);
    if (strcmp(argv[0], "help") == 0) {
        command = command_find(argv[1]);
        return command ? print_help(command) : unknown_command(argv[1]);
    }
    command = command_find(argv[0]);
    return command ? run_command(command, argc - 1, argv + 1) : unknown_command(argv[0]);
}

int main(int argc, char **argv)
{
    struct error error;
    int status;

    if (argc < 2) {
        error_set(&error, ERROR_USAGE, "a command is missing");
        error_set_remedy(&error, "see `vhdtool --help`");
        return fail_usage(&error);
    }
    status = run(argc - 1, argv + 1);
    if (program_finish_output(&error) && status == STATUS_DONE) {
        report_error(NULL, &error, NULL);
        return STATUS_FAILED;
    }
    return status;
}
