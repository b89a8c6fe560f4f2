#include "vhdtool/help.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "vhdtool/command.h"
#include "vhdtool/report.h"

static void print_options(FILE *out, const char *heading, const struct option_spec *specs)
{
    if (!specs || !specs->name)
        return;
    fprintf(out, "\n%s:\n", heading);
    for (; specs->name; specs++) {
        char words[64];

        snprintf(words, sizeof words, "--%s%s%s", specs->name, specs->argument ? "=" : "",
                 specs->argument ? specs->argument : "");
        if (specs->letter)
            fprintf(out, "  -%c, %-22s %s\n", specs->letter, words, specs->help);
        else
            fprintf(out, "      %-22s %s\n", words, specs->help);
    }
}

static void print_program(FILE *out)
{
    fprintf(out, "Usage: vhdtool COMMAND [OPTIONS] IMAGE...\n\nCommands:\n");
    for (const struct command *const *command = commands; *command; command++)
        fprintf(out, "  %-12s %s\n", (*command)->name, (*command)->summary);
    print_options(out, "Options of every command", options_common);
    print_options(out, "Options of every command that changes something", options_changing);
    fprintf(out, "\nSizes are bytes, or take K, M, G, T or P for powers of 1024.\n"
                 "`vhdtool COMMAND --help` tells more about a command.\n");
}

static void print_command(FILE *out, const struct command *command)
{
    fprintf(out, "Usage: vhdtool %s\n\n%s.\n", command->usage, command->summary);
    if (command->description)
        fprintf(out, "\n%s", command->description);
    print_options(out, "Options", command->options);
    if (command->changes)
        print_options(out, "Before anything is changed", options_changing);
    print_options(out, "Options of every command", options_common);
}

int help_print(const struct command *command)
{
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return -1;
    if (command)
        print_command(out, command);
    else
        print_program(out);
    if (fclose(out))
        return -1;
    report_text(text);
    return 0;
}
