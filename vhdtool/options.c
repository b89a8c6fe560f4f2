#include "vhdtool/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "vhdtool/command.h"
#include "vhdtool/nearest.h"

const struct option_spec options_common[] = {
    {"json", 0, NULL, "print one JSON object for each image"},
    {"progress", 0, "WHEN", "show progress: always, never or json; by default on a terminal"},
    {"quiet", 'q', NULL, "print nothing but errors"},
    {"verbose", 'v', NULL, "say what is being done"},
    {"help", 'h', NULL, "print this help"},
    {"version", 0, NULL, "print the version"},
    {0},
};

const struct option_spec options_changing[] = {
    {"dry-run", 0, NULL, "print the plan, change nothing"},
    {"force", 0, NULL, "go on in spite of refusals that allow it"},
    {0},
};

/* The tables that a command's options come from; NULL where there is none. */
static void tables_of(const struct command *command, const struct option_spec *ret_tables[3])
{
    ret_tables[0] = command->options;
    ret_tables[1] = command->changes ? options_changing : NULL;
    ret_tables[2] = options_common;
}

/* The row for a long name of so many letters or, where that is NULL, for a letter. */
static const struct option_spec *find(const struct command *command, const char *name,
                                      size_t length, char letter)
{
    const struct option_spec *tables[3];

    tables_of(command, tables);
    for (int i = 0; i < 3; i++) {
        for (const struct option_spec *spec = tables[i]; spec && spec->name; spec++) {
            if (name ? strncmp(spec->name, name, length) == 0 && spec->name[length] == '\0'
                     : spec->letter == letter)
                return spec;
        }
    }
    return NULL;
}

static int unknown_option(const struct command *command, const char *word, size_t length,
                          struct error *error)
{
    const struct option_spec *tables[3];
    char name[64];
    struct nearest nearest;

    error_set(error, ERROR_USAGE, "unknown option %.*s", (int)length, word);
    error_set_remedy(error, "see `vhdtool %s --help`", command->name);
    if (strncmp(word, "--", 2) != 0 || length >= sizeof name)
        return -1;
    memcpy(name, word + 2, length - 2);
    name[length - 2] = '\0';
    nearest = nearest_begin(name);
    tables_of(command, tables);
    for (int i = 0; i < 3; i++) {
        for (const struct option_spec *spec = tables[i]; spec && spec->name; spec++)
            nearest_consider(&nearest, spec->name);
    }
    if (nearest.word)
        error_set_remedy(error, "did you mean --%s?", nearest.word);
    return -1;
}

static int set_progress(struct options *options, const char *when, struct error *error)
{
    static const char *const words[] = {
        [PROGRESS_ALWAYS] = "always", [PROGRESS_NEVER] = "never", [PROGRESS_JSON] = "json"};

    for (enum progress_mode mode = PROGRESS_ALWAYS; mode <= PROGRESS_JSON; mode++) {
        if (strcmp(when, words[mode]) == 0) {
            options->progress = mode;
            return 0;
        }
    }
    return error_set(error, ERROR_USAGE,
                     "--progress=%s is unknown (always, never or json expected)", when);
}

/* Keeps an option that was given; argument is "" where it takes none. */
static int keep(struct options *options, const struct option_spec *spec, const char *argument,
                struct error *error)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"json", &options->json},       {"quiet", &options->quiet}, {"verbose", &options->verbose},
        {"dry-run", &options->dry_run}, {"force", &options->force}, {"help", &options->help},
        {"version", &options->version},
    };
    const struct option_spec *own = options->command->options;

    for (size_t i = 0; own && own[i].name; i++) {
        if (spec == &own[i]) {
            options->values[i] = argument;
            return 0;
        }
    }
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (strcmp(spec->name, flags[i].name) == 0) {
            *flags[i].flag = true;
            return 0;
        }
    }
    return set_progress(options, argument, error);
}

/* Reads "--name", "--name=argument" or "--name argument" at argv[*index]. */
static int read_long(struct options *options, int argc, char **argv, int *index,
                     struct error *error)
{
    const char *word = argv[*index];
    size_t length = strcspn(word, "=");
    const char *argument = word[length] == '=' ? word + length + 1 : NULL;
    const struct option_spec *spec = find(options->command, word + 2, length - 2, 0);

    if (!spec)
        return unknown_option(options->command, word, length, error);
    if (!spec->argument && argument)
        return error_set(error, ERROR_USAGE, "--%s takes no argument", spec->name);
    if (spec->argument && !argument) {
        if (*index + 1 >= argc)
            return error_set(error, ERROR_USAGE, "--%s needs an argument (%s)", spec->name,
                             spec->argument);
        argument = argv[++*index];
    }
    return keep(options, spec, argument ? argument : "", error);
}

/* Reads the letters "-abARGUMENT" at argv[*index]. */
static int read_short(struct options *options, int argc, char **argv, int *index,
                      struct error *error)
{
    for (const char *letter = argv[*index] + 1; *letter; letter++) {
        const struct option_spec *spec = find(options->command, NULL, 0, *letter);
        char word[3] = {'-', *letter, '\0'};
        const char *argument = "";

        if (!spec)
            return unknown_option(options->command, word, 2, error);
        if (spec->argument) {
            if (letter[1])
                argument = letter + 1;
            else if (*index + 1 < argc)
                argument = argv[++*index];
            else
                return error_set(error, ERROR_USAGE, "-%c needs an argument (%s)", *letter,
                                 spec->argument);
        }
        if (keep(options, spec, argument, error))
            return -1;
        if (spec->argument)
            break;
    }
    return 0;
}

static bool is_operand(const char *word)
{
    return word[0] != '-' || word[1] == '\0' || isdigit((unsigned char)word[1]) || word[1] == '.';
}

static int check_operands(const struct options *options, struct error *error)
{
    const struct command *command = options->command;

    if (options->help || options->version)
        return 0;
    if (options->operand_count >= command->min_operands &&
        options->operand_count <= command->max_operands)
        return 0;
    error_set(error, ERROR_USAGE, "%s",
              options->operand_count < command->min_operands ? "an argument is missing"
                                                             : "there are too many arguments");
    return error_set_remedy(error, "usage: vhdtool %s", command->usage);
}

int options_parse(const struct command *command, int argc, char **argv, struct options *ret_options,
                  struct error *error)
{
    struct options options = {.command = command, .operands = argv};
    bool only_operands = false;

    for (int i = 0; i < argc; i++) {
        int status = 0;

        if (only_operands || is_operand(argv[i]))
            argv[options.operand_count++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            only_operands = true;
        else if (argv[i][1] == '-')
            status = read_long(&options, argc, argv, &i, error);
        else
            status = read_short(&options, argc, argv, &i, error);
        if (status)
            return -1;
    }
    if (check_operands(&options, error))
        return -1;
    *ret_options = options;
    return 0;
}

const char *option_value(const struct options *options, const char *name)
{
    const struct option_spec *own = options->command->options;

    for (size_t i = 0; own && own[i].name; i++) {
        if (strcmp(own[i].name, name) == 0)
            return options->values[i];
    }
    return NULL;
}

int option_size(const struct options *options, const char *name, uint64_t fallback,
                uint64_t *ret_size, struct error *error)
{
    const char *value = option_value(options, name);

    *ret_size = fallback;
    if (!value)
        return 0;
    if (value[0] == '+' || value[0] == '-' || size_parse(value, 0, ret_size))
        return error_set(error, ERROR_USAGE, "--%s=%s is no size (64K, 1M or the like expected)",
                         name, value);
    return 0;
}

int operand_size(const char *text, uint64_t present, uint64_t *ret_size, struct error *error)
{
    if (size_parse(text, present, ret_size) == 0)
        return 0;
    return error_set(error, ERROR_USAGE,
                     "\"%s\" is no size (512G, 1.5T, +100G or the like expected)", text);
}
