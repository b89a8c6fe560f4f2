/* Whatever moment the power is cut while an image is expanded: it opens, holds the old disk or
 * the new one, e2fsck finds nothing, and the tree is the same. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/guid.h"
#include "image-format/file.h"
#include "tests/support/image.h"
#include "tests/support/judge.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/power-cut.h"
#include "tests/support/recording-file.h"
#include "vhdtool/expand.h"

struct scenario {
    const char *mkfs_options;
    uint64_t fs_size, disk_size; /* bytes */
    const char *new_size;        /* NULL: the filesystem to the disk's size */
    struct power_cut_options options;
};

struct walk {
    struct judge *judge;
    const struct change_request *request;
    struct image_state old, new;
    uint64_t olds, news, again;
    bool raw;
};

static struct error error;

/* A state that is left is expanded like any other image. */
static const char *expand_again(struct walk *walk, const struct file *state)
{
    struct file *copy = memory_file_snapshot(state);
    struct change_report report;
    struct image_state found = {0};
    const char *wrong;

    walk->again++;
    if (expand_image(lent_file_new(copy), walk->request, &report, &error))
        wrong = error.message;
    else
        wrong = image_examine(walk->judge, copy, &found);
    if (!wrong && (found.fs_size != walk->new.fs_size || found.disk_size != walk->new.disk_size ||
                   !digest_equal(found.tree, walk->old.tree)))
        wrong = "another size or tree";
    file_close(copy);
    return wrong;
}

static int visit(struct file *state, const char *what, void *context)
{
    struct walk *walk = context;
    struct image_state found = {0};
    const char *wrong = image_examine(walk->judge, state, &found);
    /* A raw image can be longer already. */
    bool is_old = found.fs_size == walk->old.fs_size &&
                  (found.disk_size == walk->old.disk_size ||
                   (walk->raw && found.disk_size > walk->old.disk_size &&
                    found.disk_size <= walk->new.disk_size));
    bool is_new = found.disk_size == walk->new.disk_size &&found.fs_size == walk->new.fs_size;

    cr_expect_null(wrong, "%s: %s", what, wrong);
    if (!wrong) {
        cr_expect(is_old || is_new, "%s: neither old nor new: disk %llu, filesystem %llu", what,
                  (unsigned long long)found.disk_size, (unsigned long long)found.fs_size);
        cr_expect(digest_equal(found.tree, walk->old.tree), "%s: another tree", what);
        /* Blocks that the old filesystem doesn't have may be written early: only where the disk
         * ends with it, all of the old disk's bytes are bound to stay. */
        if (is_old && walk->old.fs_size == found.disk_size)
            cr_expect(digest_equal(found.contents, walk->old.contents),
                      "%s: the old disk has other bytes", what);
    }
    walk->olds += is_old;
    walk->news += is_new;
    if (!wrong && (walk->olds + walk->news) % 8 == 0) {
        wrong = expand_again(walk, state);
        cr_expect_null(wrong, "%s: expanding it: %s", what, wrong);
    }
    file_close(state);
    return 0;
}

static void cut_image(const char *name, const struct scenario *scenario, bool raw)
{
    struct change_request request = {.size = scenario->new_size, .now = 1700000000};
    struct power_cut_counts counts;
    struct change_report report;
    struct trace trace = {0};
    struct walk walk = {.request = &request, .raw = raw};
    struct file *image;
    const char *wrong;

    guid_seed(1);
    walk.judge = judge_new(&error);
    cr_assert_not_null(walk.judge, "%s", error.message);
    image = (raw ? raw_image_with_ext4 : image_with_ext4)(scenario->mkfs_options, scenario->fs_size,
                                                          scenario->disk_size);
    wrong = image_examine(walk.judge, image, &walk.old);
    cr_assert_null(wrong, "before: %s", wrong);

    cr_assert_eq(expand_image(recording_file_new(memory_file_snapshot(image), &trace), &request,
                              &report, &error),
                 0, "%s", error.message);
    walk.new.disk_size = report.after.virtual_size;
    walk.new.fs_size = report.after.filesystem_size;
    cr_assert_gt(walk.new.fs_size, walk.old.fs_size, "nothing grew");

    cr_expect_eq(power_cut_walk(&trace, &scenario->options, visit, &walk, &counts), 0);
    cr_expect_gt(walk.olds, 0, "no state was the old one");
    cr_expect_gt(walk.news, 0, "no state was the new one");
    fprintf(stderr, "%s: %llu cuts, %llu states (%llu old, %llu new), %llu expanded again\n", name,
            (unsigned long long)counts.cuts, (unsigned long long)counts.states,
            (unsigned long long)walk.olds, (unsigned long long)walk.news,
            (unsigned long long)walk.again);
    trace_clear(&trace);
    file_close(image);
    judge_free(walk.judge);
}

static void cut_everywhere(const char *name, const struct scenario *scenario)
{
    cut_image(name, scenario, false);
}

/* Every cut of a small image. */
Test(expand_power_cut, small, .timeout = 3000)
{
    cut_everywhere("small", &(struct scenario){"-b 1024 -O ^has_journal",
                                               16 * MIB,
                                               16 * MIB,
                                               "40M",
                                               {.random_states = 12, .seed = 1}});
}

/* The filesystem grows into a disk that is large enough: its blocks are written in place. */
Test(expand_power_cut, filesystem_alone, .timeout = 3000)
{
    cut_everywhere("filesystem alone",
                   &(struct scenario){"-b 1024 -G 4",
                                      12 * MIB,
                                      40 * MIB,
                                      NULL,
                                      {.random_states = 8, .state_limit = 60, .seed = 2}});
}

/* The block allocation table moves. */
Test(expand_power_cut, table_moves, .timeout = 3000)
{
    cut_everywhere("table moves",
                   &(struct scenario){"-b 4096 -G 4096",
                                      64 * MIB,
                                      64 * MIB,
                                      "130G",
                                      {.random_states = 4, .state_limit = 40, .seed = 3}});
}

/* The descriptors outgrow their reserve: meta_bg. */
Test(expand_power_cut, meta_bg, .timeout = 3000)
{
    cut_everywhere("meta_bg",
                   &(struct scenario){"-b 1024 -O ^resize_inode",
                                      16 * MIB,
                                      16 * MIB,
                                      "600M",
                                      {.random_states = 4, .state_limit = 40, .seed = 4}});
}

/* A sample of the cuts of an image as WSL has it. */
Test(expand_power_cut, as_wsl, .timeout = 3000)
{
    cut_everywhere(
        "as WSL",
        &(struct scenario){"-G 4096",
                           256 * GIB,
                           256 * GIB,
                           "1T",
                           {.random_states = 2, .cut_limit = 24, .state_limit = 4, .seed = 5}});
}

/* A raw image, whose changes go through a journal beside it. */
Test(expand_power_cut, raw, .timeout = 3000)
{
    cut_image("raw",
              &(struct scenario){"-b 1024 -O ^has_journal",
                                 16 * MIB,
                                 16 * MIB,
                                 "40M",
                                 {.random_states = 6, .state_limit = 60, .seed = 6}},
              true);
}

/* The same where the disk has room for it. */
Test(expand_power_cut, raw_filesystem_alone, .timeout = 3000)
{
    cut_image("raw, filesystem alone",
              &(struct scenario){"-b 4096",
                                 64 * MIB,
                                 300 * MIB,
                                 NULL,
                                 {.random_states = 4, .state_limit = 40, .seed = 7}},
              true);
}
