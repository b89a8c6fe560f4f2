#include <criterion/criterion.h>

#include "vhdtool/command.h"

static const struct option_spec specs[] = {
    {"size", 's', "SIZE", ""},
    {"deep", 'd', NULL, ""},
    {0},
};

static const struct command command = {
    .name = "test",
    .usage = "test IMAGE",
    .options = specs,
    .min_operands = 1,
    .max_operands = 2,
    .changes = true,
};

static struct options options;
static struct error error;

#define PARSE(...)                                                                            \
    (__extension__({                                                                          \
        static char words[][24] = {__VA_ARGS__};                                              \
        static char *argv[sizeof words / sizeof *words];                                      \
        for (size_t i_ = 0; i_ < sizeof words / sizeof *words; i_++)                          \
            argv[i_] = words[i_];                                                             \
        options_parse(&command, (int)(sizeof words / sizeof *words), argv, &options, &error); \
    }))

Test(options, arguments_follow_an_equals_sign_or_a_space)
{
    cr_assert_eq(PARSE("--size=1M", "a"), 0);
    cr_assert_str_eq(option_value(&options, "size"), "1M");
    cr_assert_eq(PARSE("--size", "2M", "a"), 0);
    cr_assert_str_eq(option_value(&options, "size"), "2M");
    cr_assert_eq(PARSE("-s", "3M", "a"), 0);
    cr_assert_str_eq(option_value(&options, "size"), "3M");
    cr_assert_eq(PARSE("-ds4M", "a"), 0);
    cr_assert_str_eq(option_value(&options, "size"), "4M");
    cr_assert_str_eq(option_value(&options, "deep"), "");
    cr_assert_eq(PARSE("a"), 0);
    cr_assert_null(option_value(&options, "size"));
    cr_assert_null(option_value(&options, "deep"));
}

Test(options, operands_and_options_may_be_mixed)
{
    cr_assert_eq(PARSE("a", "-q", "--dry-run", "b", "--json", "--progress=json"), 0);
    cr_assert_eq(options.operand_count, 2);
    cr_assert_str_eq(options.operands[0], "a");
    cr_assert_str_eq(options.operands[1], "b");
    cr_assert(options.quiet && options.dry_run && options.json);
    cr_assert_not(options.force || options.verbose);
    cr_assert_eq(options.progress, PROGRESS_JSON);
}

Test(options, negative_sizes_a_dash_and_what_follows_two_dashes_are_operands)
{
    cr_assert_eq(PARSE("a", "-10G"), 0);
    cr_assert_str_eq(options.operands[1], "-10G");
    cr_assert_eq(PARSE("-", "-.5T"), 0);
    cr_assert_str_eq(options.operands[0], "-");
    cr_assert_eq(PARSE("--", "--json", "-q"), 0);
    cr_assert_str_eq(options.operands[0], "--json");
    cr_assert_str_eq(options.operands[1], "-q");
    cr_assert_not(options.json || options.quiet);
}

Test(options, wrong_words_are_usage_errors)
{
    cr_assert_eq(PARSE("--nonsense", "a"), -1);
    cr_assert_eq(error.kind, ERROR_USAGE);
    cr_assert_eq(PARSE("-x", "a"), -1);
    cr_assert_eq(PARSE("--deep=1", "a"), -1);
    cr_assert_eq(PARSE("a", "--size"), -1);
    cr_assert_eq(PARSE("a", "-s"), -1);
    cr_assert_eq(PARSE("a", "--progress=sometimes"), -1);
    cr_assert_eq(PARSE("-q"), -1);
    cr_assert_eq(PARSE("a", "b", "c"), -1);
    cr_assert_eq(PARSE("--si=1", "a"), -1);
    cr_assert_eq(PARSE("--help"), 0);
}

Test(options, a_typo_proposes_the_nearest)
{
    cr_assert_eq(PARSE("--dyr-run", "a"), -1);
    cr_assert_str_eq(error.message, "unknown option --dyr-run");
    cr_assert_str_eq(error.remedy, "did you mean --dry-run?");
    cr_assert_eq(PARSE("--sise=1M", "a"), -1);
    cr_assert_str_eq(error.message, "unknown option --sise");
    cr_assert_str_eq(error.remedy, "did you mean --size?");
    cr_assert_eq(PARSE("--extraordinary", "a"), -1);
    cr_assert_str_eq(error.remedy, "see `vhdtool test --help`");
}

Test(options, only_commands_that_change_something_take_dry_run)
{
    static char word[] = "--dry-run", *argv[] = {word};

    cr_assert_eq(options_parse(&command_info, 1, argv, &options, &error), -1);
}

Test(options, sizes)
{
    uint64_t size;

    cr_assert_eq(PARSE("--size=1M", "a"), 0);
    cr_assert_eq(option_size(&options, "size", 5, &size, &error), 0);
    cr_assert_eq(size, 1048576);
    cr_assert_eq(PARSE("a"), 0);
    cr_assert_eq(option_size(&options, "size", 5, &size, &error), 0);
    cr_assert_eq(size, 5);
    cr_assert_eq(PARSE("--size=+1M", "a"), 0);
    cr_assert_eq(option_size(&options, "size", 5, &size, &error), -1);
    cr_assert_eq(operand_size("+1K", 1024, &size, &error), 0);
    cr_assert_eq(size, 2048);
    cr_assert_eq(operand_size("lots", 1024, &size, &error), -1);
    cr_assert_eq(error.kind, ERROR_USAGE);
}
