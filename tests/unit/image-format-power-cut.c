/*
 * The power cut of the tests, tried on a toy: a file that holds the same text
 * twice over in two places, and a mark that says which place counts.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "image-format/file.h"
#include "tests/support/memory-file.h"
#include "tests/support/power-cut.h"
#include "tests/support/recording-file.h"

#define TEXT_SIZE 2048 /* four sectors */
#define PLACE(i) (4096u * (1 + (i)))
#define SHORT_SIZE (PLACE(0) + TEXT_SIZE)

static struct error error;

struct tally {
    uint64_t old, new, bad;
    char first_bad[160];
};

/* The mark's first byte is the number of the place that counts; the text there is all one letter,
 * the old or the new one. */
static int look(struct file *state, const char *what, void *context)
{
    struct tally *tally = context;
    char text[TEXT_SIZE], mark = 0;
    bool whole;

    whole = !file_read(state, 0, &mark, 1, &error) &&
            !file_read(state, PLACE((unsigned)mark), text, sizeof text, &error) &&
            memcmp(text, text + 1, sizeof text - 1) == 0;
    if (whole && mark == 0 && text[0] == 'o')
        tally->old++;
    else if (whole && mark == 1 && text[0] == 'n')
        tally->new ++;
    else if (tally->bad++ == 0)
        snprintf(tally->first_bad, sizeof tally->first_bad, "%s", what);
    file_close(state);
    return 0;
}

static void write_text(struct file *file, uint64_t offset, char letter)
{
    char text[TEXT_SIZE];

    memset(text, letter, sizeof text);
    cr_assert_eq(file_write(file, offset, text, sizeof text, &error), 0);
}

/* From the old text to the new one, with or without the flush on which all depends. */
static struct tally cut_toy(bool flush, struct power_cut_counts *ret_counts)
{
    const struct power_cut_options options = {.random_states = 20, .seed = 1};
    struct file *below = memory_file_new(SHORT_SIZE);
    struct trace trace = {0};
    struct tally tally = {0};
    struct file *file;

    write_text(below, PLACE(0), 'o');
    file = recording_file_new(below, &trace);
    write_text(file, PLACE(1), 'n');
    if (flush)
        cr_assert_eq(file_flush(file, &error), 0);
    cr_assert_eq(file_write(file, 0, "\1", 1, &error), 0);
    cr_assert_eq(file_flush(file, &error), 0);
    cr_assert_eq(power_cut_walk(&trace, &options, look, &tally, ret_counts), 0);
    file_close(file);
    trace_clear(&trace);
    return tally;
}

Test(power_cut, a_right_commit_leaves_old_or_new)
{
    struct power_cut_counts counts;
    struct tally tally = cut_toy(true, &counts);

    cr_assert_eq(tally.bad, 0, "%s", tally.first_bad);
    cr_assert_gt(tally.old, 2);
    cr_assert_geq(tally.new, 1);
    cr_assert_eq(counts.cuts, 5);
    cr_assert_eq(counts.states, tally.old + tally.new);
}

Test(power_cut, a_missing_flush_is_caught)
{
    struct tally tally = cut_toy(false, NULL);

    cr_assert_gt(tally.bad, 0);
    cr_assert_gt(tally.old, 0);
    cr_assert_gt(tally.new, 0);
}

/* Which of some things were seen; a visitor sets bits. */
struct sight {
    unsigned seen;
    uint64_t states;
};

static unsigned letters_at(struct file *state, uint64_t offset)
{
    char letter = 0;

    return !file_read(state, offset, &letter, 1, &error) && letter == 'n';
}

/* Bit n: sectors whose newness is the binary number n. */
static int see_sectors(struct file *state, const char *what, void *context)
{
    struct sight *sight = context;

    (void)what;
    sight->states++;
    sight->seen |= 1u << (letters_at(state, 0) + 2 * letters_at(state, 512) +
                          4 * letters_at(state, 1024) + 8 * letters_at(state, 1536));
    file_close(state);
    return 0;
}

Test(power_cut, a_write_is_torn_in_every_way)
{
    const struct power_cut_options options = {.random_states = 1000, .seed = 7};
    struct file *below = memory_file_new(0);
    struct trace trace = {0};
    struct sight sight = {0};
    struct file *file;

    write_text(below, 0, 'o');
    file = recording_file_new(below, &trace);
    write_text(file, 0, 'n');
    power_cut_walk(&trace, &options, see_sectors, &sight, NULL);
    cr_assert_eq(sight.seen, 0xffff, "%x", sight.seen);
    file_close(file);
    trace_clear(&trace);
}

/* Bits: 0 second write without first; 1 first without second; 2 longer file; 3 shorter file;
 * 4 the overlapping earlier write won. */
static int see_order(struct file *state, const char *what, void *context)
{
    struct sight *sight = context;
    uint64_t size;
    char first = 0, second = 0;

    (void)what;
    sight->states++;
    cr_assert_eq(file_get_size(state, &size, &error), 0);
    cr_assert_eq(file_read(state, 0, &first, 1, &error), 0);
    cr_assert_eq(file_read(state, 5000, &second, 1, &error), 0);
    sight->seen |= (unsigned)(second == 'b' && first == 0) << 0;
    sight->seen |= (unsigned)(first == 'a' && second == 0) << 1;
    sight->seen |= (unsigned)(size == 100000) << 2;
    sight->seen |= (unsigned)(size == 10000) << 3;
    sight->seen |= (unsigned)(first == 'a' && second == 'b' && size == 100000) << 4;
    file_close(state);
    return 0;
}

Test(power_cut, order_is_free_until_the_flush)
{
    const struct power_cut_options options = {.random_states = 50, .seed = 7};
    struct trace trace = {0};
    struct file *file = recording_file_new(memory_file_new(10000), &trace);
    struct sight sight = {0};

    cr_assert_eq(file_write(file, 0, "a", 1, &error), 0);
    cr_assert_eq(file_write(file, 5000, "b", 1, &error), 0);
    cr_assert_eq(file_set_size(file, 100000, &error), 0);
    cr_assert_eq(file_write(file, 0, "c", 1, &error), 0);
    power_cut_walk(&trace, &options, see_order, &sight, NULL);
    cr_assert_eq(sight.seen, 0x1f, "%x", sight.seen);
    file_close(file);
    trace_clear(&trace);
}

static int see_flushed(struct file *state, const char *what, void *context)
{
    char letter = 0;
    int result;

    (void)context;
    cr_assert_eq(file_read(state, 0, &letter, 1, &error), 0);
    result = letter == 'a'                                                       ? 0
             : strstr(what, "after operation 0") || strstr(what, "operation 1 ") ? 0
                                                                                 : 17;
    file_close(state);
    return result;
}

Test(power_cut, what_was_flushed_is_always_there)
{
    const struct power_cut_options options = {.random_states = 30, .seed = 3};
    struct trace trace = {0};
    struct file *file = recording_file_new(memory_file_new(10000), &trace);

    cr_assert_eq(file_write(file, 0, "a", 1, &error), 0);
    cr_assert_eq(file_flush(file, &error), 0);
    for (unsigned i = 1; i < 9; i++)
        cr_assert_eq(file_write(file, i * 600, "b", 1, &error), 0);
    cr_assert_eq(power_cut_walk(&trace, &options, see_flushed, NULL, NULL), 0);
    file_close(file);
    trace_clear(&trace);
}

static int stop(struct file *state, const char *what, void *context)
{
    (void)what;
    file_close(state);
    return ++*(int *)context == 3 ? 42 : 0;
}

Test(power_cut, the_visitor_can_end_it)
{
    const struct power_cut_options options = {.random_states = 3};
    struct trace trace = {0};
    struct file *file = recording_file_new(memory_file_new(0), &trace);
    int visits = 0;

    write_text(file, 0, 'a');
    write_text(file, 8192, 'b');
    cr_assert_eq(power_cut_walk(&trace, &options, stop, &visits, NULL), 42);
    cr_assert_eq(visits, 3);
    file_close(file);
    trace_clear(&trace);
}

static int count(struct file *state, const char *what, void *context)
{
    (void)what;
    ++*(uint64_t *)context;
    file_close(state);
    return 0;
}

Test(power_cut, limits_and_dedupe)
{
    struct power_cut_options options = {0};
    struct power_cut_counts all, few;
    struct trace trace = {0};
    struct file *file = recording_file_new(memory_file_new(0), &trace);
    uint64_t visits = 0;

    for (unsigned i = 0; i < 100; i++)
        cr_assert_eq(file_write(file, i * 512, "x", 1, &error), 0);
    power_cut_walk(&trace, &options, count, &visits, &all);
    cr_assert_eq(visits, all.states);
    cr_assert_eq(all.cuts, 101);
    /* none, 100 first ones, 99 single ones, 100 lengths of the last, all but one of 2 to 100 */
    cr_assert_leq(all.states, 1 + 100 + 99 + 100 + 100 * 101 / 2);
    options.cut_limit = 10;
    options.state_limit = 5;
    power_cut_walk(&trace, &options, count, &visits, &few);
    cr_assert_leq(few.cuts, 12);
    cr_assert_leq(few.states, 12 * 20);
    file_close(file);
    trace_clear(&trace);
}

/* A toy of two files: the side file's text is to be there whenever the file's mark is, and the
 * file's whenever the side file isn't. */
static int see_both(struct file *state, const char *what, void *context)
{
    struct tally *tally = context;
    struct file *side = memory_file_side(state);
    bool marked = letters_at(state, 0), sided = side && letters_at(side, 0);

    (void)what;
    if (side ? marked && !sided : !marked)
        tally->bad++;
    else if (marked)
        tally->new ++;
    else
        tally->old++;
    file_close(state);
    return 0;
}

enum { FLUSH_SIDE = 1, FLUSH_FILE_INSTEAD = 2, FLUSH_MARK = 4 };

static struct tally cut_both(unsigned flushes)
{
    const struct power_cut_options options = {.random_states = 5, .seed = 1};
    struct file *below = memory_file_new(4096), *file, *side;
    struct trace trace = {0};
    struct tally tally = {0};

    cr_assert_eq(file_open_side(below, true, &side, &error), 0);
    file_close(side);
    file = recording_file_new(below, &trace);
    cr_assert_eq(file_open_side(file, false, &side, &error), 0);
    cr_assert_eq(file_write(side, 0, "n", 1, &error), 0);
    cr_assert_eq(flushes & FLUSH_SIDE ? file_flush(side, &error) : 0, 0);
    cr_assert_eq(flushes & FLUSH_FILE_INSTEAD ? file_flush(file, &error) : 0, 0);
    file_close(side);
    cr_assert_eq(file_write(file, 0, "n", 1, &error), 0);
    cr_assert_eq(flushes & FLUSH_MARK ? file_flush(file, &error) : 0, 0);
    cr_assert_eq(file_remove_side(file, &error), 0);
    cr_assert_eq(power_cut_walk(&trace, &options, see_both, &tally, NULL), 0);
    cr_expect_gt(tally.old, 0);
    cr_expect_gt(tally.new, 0);
    file_close(file);
    trace_clear(&trace);
    return tally;
}

Test(power_cut, a_flush_of_one_file_is_none_of_the_other)
{
    cr_expect_eq(cut_both(FLUSH_SIDE | FLUSH_MARK).bad, 0);
    cr_expect_gt(cut_both(FLUSH_FILE_INSTEAD | FLUSH_MARK).bad, 0);
    cr_expect_gt(cut_both(FLUSH_MARK).bad, 0);
}

Test(power_cut, a_side_file_is_gone_once_it_is_removed)
{
    cr_expect_gt(cut_both(FLUSH_SIDE).bad, 0);
}
