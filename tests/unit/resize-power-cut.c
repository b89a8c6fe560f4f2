/* Whatever moment the power is cut while a filesystem shrinks, grows, is converted or packed: the
 * image opens, e2fsck finds nothing, the tree is the same, the size is the old one or the new one,
 * and resizing goes on from there. A sample of the cuts; all of them where THOROUGH is set. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/checked.h"
#include "image-format/file.h"
#include "tests/support/image.h"
#include "tests/support/judge.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/power-cut.h"
#include "tests/support/recording-file.h"
#include "tests/support/resize-scenario.h"

#define GO_ON_EVERY 8  /* states */
#define ENOUGH_WRONG 4 /* states, that more needn't be looked at */

struct walk {
    const struct resize_scenario *scenario;
    struct judge *judge;
    struct image_state old;
    struct resize_outcome outcome; /* of the undisturbed run */
    uint64_t olds, news, again, wrong;
};

static struct error error;

/* Trees that have moved can take fewer blocks: then a minimum is smaller. */
static bool is_goal(const struct walk *walk, const struct image_state *found)
{
    uint64_t less = walk->outcome.fs_size - found->fs_size;

    return found->fs_size <= walk->outcome.fs_size &&
           less <= (walk->scenario->request.goal == RESIZE_TO_MINIMUM ? 64 * KIB : 0) &&
           found->disk_size == walk->outcome.disk_size - (walk->scenario->is_vhdx ? 0 : less);
}

/* A state that is left is resized like any other image. */
static const char *go_on(struct walk *walk, const struct file *state)
{
    struct file *copy = memory_file_snapshot(state);
    struct resize_outcome outcome;
    struct image_state found = {0};
    static char difference[200];
    const char *wrong;

    walk->again++;
    if (resize_scenario_run(walk->scenario, lent_file_new(copy), 0, &outcome, &error))
        wrong = error.message;
    else
        wrong = image_examine(walk->judge, copy, &found);
    if (!wrong && !digest_equal(found.tree, walk->old.tree))
        wrong = "another tree";
    if (!wrong)
        wrong = resize_scenario_unfinished(copy, &error);
    if (!wrong && !is_goal(walk, &found)) {
        snprintf(difference, sizeof difference, "filesystem %llu and disk %llu, not %llu and %llu",
                 (unsigned long long)found.fs_size, (unsigned long long)found.disk_size,
                 (unsigned long long)walk->outcome.fs_size,
                 (unsigned long long)walk->outcome.disk_size);
        wrong = difference;
    }
    file_close(copy);
    return wrong;
}

/* While a raw image grows, it can be longer already. */
static bool is_old(const struct walk *walk, const struct image_state *found)
{
    return found->fs_size == walk->old.fs_size && found->disk_size >= walk->old.disk_size &&
           found->disk_size <= max_u64(walk->old.disk_size, walk->outcome.disk_size);
}

static int visit(struct file *state, const char *what, void *context)
{
    struct walk *walk = context;
    struct image_state found = {0};
    const char *wrong = image_examine(walk->judge, state, &found);
    bool old = is_old(walk, &found);
    bool new = found.fs_size == walk->outcome.fs_size &&found.disk_size == walk->outcome.disk_size;

    cr_expect_null(wrong, "%s: %s", what, wrong);
    if (!wrong) {
        cr_expect(old || new, "%s: neither old nor new: disk %llu, filesystem %llu", what,
                  (unsigned long long)found.disk_size, (unsigned long long)found.fs_size);
        cr_expect(digest_equal(found.tree, walk->old.tree), "%s: another tree", what);
    }
    walk->olds += old;
    walk->news += new && !old;
    if (!wrong && (walk->olds + walk->news) % GO_ON_EVERY == 0) {
        wrong = go_on(walk, state);
        cr_expect_null(wrong, "%s: going on: %s", what, wrong);
    }
    file_close(state);
    return (walk->wrong += wrong != NULL) >= ENOUGH_WRONG;
}

static void report(const struct walk *walk, const struct power_cut_counts *counts)
{
    const struct resize_outcome *outcome = &walk->outcome;

    fprintf(stderr,
            "%s: %llu cuts, %llu states (%llu old, %llu new), %llu resized again; %zu moves (%zu "
            "late), %zu inodes, %zu vacated, %zu tables, %zu attributes, %zu commits\n",
            walk->scenario->name, (unsigned long long)counts->cuts,
            (unsigned long long)counts->states, (unsigned long long)walk->olds,
            (unsigned long long)walk->news, (unsigned long long)walk->again, outcome->moves,
            outcome->late, outcome->inode_moves, outcome->vacated, outcome->table_moves,
            outcome->xattrs, outcome->begun);
}

static void cut(const char *name, const struct power_cut_options *options)
{
    const struct power_cut_options thorough = {.random_states = 1, .state_limit = 2, .seed = 3};
    const struct resize_scenario *scenario = resize_scenario_find(name);
    struct walk walk = {.scenario = scenario, .judge = resize_scenario_judge(scenario, &error)};
    struct file *image = resize_scenario_image(walk.scenario, &error);
    struct power_cut_counts counts = {0};
    struct trace trace = {0};
    const char *wrong;

    cr_assert_not_null(walk.judge, "%s", error.message);
    cr_assert_not_null(image, "%s", error.message);
    wrong = image_examine(walk.judge, image, &walk.old);
    cr_assert_null(wrong, "before: %s", wrong);
    cr_assert_eq(resize_scenario_run(walk.scenario,
                                     recording_file_new(memory_file_snapshot(image), &trace), 0,
                                     &walk.outcome, &error),
                 0, "%s", error.message);
    cr_expect(resize_scenario_is_met(walk.scenario, &walk.outcome), "not what it is there for");

    cr_expect_eq(
        power_cut_walk(&trace, getenv("THOROUGH") ? &thorough : options, visit, &walk, &counts), 0,
        "too much is wrong");
    report(&walk, &counts);
    cr_expect_gt(walk.olds, 0, "no state was the old one");
    cr_expect_gt(walk.news + (walk.outcome.fs_size == walk.old.fs_size), 0,
                 "no state was the new one");
    trace_clear(&trace);
    file_close(image);
    judge_free(walk.judge);
}

static const struct power_cut_options all = {.random_states = 1, .state_limit = 1, .seed = 1},
                                      some = {.random_states = 1,
                                              .cut_limit = 10,
                                              .state_limit = 1,
                                              .seed = 2};

Test(resize_power_cut, a_little_smaller, .timeout = 3000)
{
    cut("a little smaller", &all);
}

Test(resize_power_cut, minimum, .timeout = 3000)
{
    cut("minimum", &some);
}

Test(resize_power_cut, raw_minimum, .timeout = 3000)
{
    cut("raw minimum", &some);
}

Test(resize_power_cut, vacated_tables, .timeout = 3000)
{
    cut("vacated tables", &some);
}

Test(resize_power_cut, late_blocks, .timeout = 3000)
{
    cut("late blocks", &some);
}

Test(resize_power_cut, wide_trees, .timeout = 3000)
{
    cut("wide trees", &some);
}

Test(resize_power_cut, raw_wide_trees, .timeout = 3000)
{
    cut("raw wide trees", &some);
}

/* What a tree drops that moves late itself is in use until then. */
Test(resize_power_cut, late_wide_trees, .timeout = 3000)
{
    cut("late wide trees", &some);
}

Test(resize_power_cut, raw_late_blocks, .timeout = 3000)
{
    cut("raw late blocks", &some);
}

Test(resize_power_cut, to_64_bit, .timeout = 3000)
{
    cut("to 64 bit", &some);
}

Test(resize_power_cut, raw_to_64_bit, .timeout = 3000)
{
    cut("raw to 64 bit", &some);
}

Test(resize_power_cut, to_32_bit, .timeout = 3000)
{
    cut("to 32 bit", &some);
}

Test(resize_power_cut, no_flex_bg, .timeout = 3000)
{
    cut("no flex_bg", &some);
}

Test(resize_power_cut, orphan_file, .timeout = 3000)
{
    cut("orphan file", &some);
}

Test(resize_power_cut, fragmented, .timeout = 3000)
{
    cut("fragmented", &some);
}

Test(resize_power_cut, bigalloc, .timeout = 3000)
{
    cut("bigalloc", &some);
}

Test(resize_power_cut, pointers, .timeout = 3000)
{
    cut("pointers", &some);
}

/* Which blocks are bad is in no tree; that none of them is listed as free, e2fsck sees. */
Test(resize_power_cut, bad_blocks, .timeout = 3000)
{
    cut("bad blocks", &some);
}

Test(resize_power_cut, packing, .timeout = 3000)
{
    cut("packing", &some);
}

Test(resize_power_cut, raw_packing, .timeout = 3000)
{
    cut("raw packing", &some);
}

Test(resize_power_cut, raw_larger, .timeout = 3000)
{
    cut("raw larger", &some);
}
