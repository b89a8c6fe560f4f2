/* Whatever moment the power is cut while an image is shrunk, and compacted afterwards: it opens,
 * has the old size or the new one, e2fsck finds nothing, the tree is the same; and shrinking it
 * goes on. */
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
#include "vhdtool/shrink.h"

struct walk {
    struct judge *judge;
    struct change_request request;
    struct image_state old, new;
    uint64_t olds, news, again;
};

static struct error error;

static const char *shrink_again(struct walk *walk, const struct file *state)
{
    struct file *copy = memory_file_snapshot(state);
    struct change_report report;
    struct image_state found = {0};
    const char *wrong;

    walk->again++;
    if (shrink_image(lent_file_new(copy), &walk->request, &report, &error))
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
    bool is_old = found.fs_size == walk->old.fs_size && found.disk_size == walk->old.disk_size;
    bool is_new = found.fs_size == walk->new.fs_size &&found.disk_size == walk->new.disk_size;

    cr_expect_null(wrong, "%s: %s", what, wrong);
    if (!wrong) {
        cr_expect(is_old || is_new, "%s: neither old nor new: disk %llu, filesystem %llu", what,
                  (unsigned long long)found.disk_size, (unsigned long long)found.fs_size);
        cr_expect(digest_equal(found.tree, walk->old.tree), "%s: another tree", what);
    }
    walk->olds += is_old;
    walk->news += is_new;
    if (!wrong && (walk->olds + walk->news) % 8 == 0) {
        wrong = shrink_again(walk, state);
        cr_expect_null(wrong, "%s: shrinking it: %s", what, wrong);
    }
    file_close(state);
    return 0;
}

static void cut_everywhere(struct file *image, const char *new_size)
{
    const struct power_cut_options options = {.random_states = 6, .state_limit = 24, .seed = 1};
    struct power_cut_counts counts;
    struct change_report report;
    struct trace trace = {0};
    struct walk walk = {.request = {.size = new_size, .now = 1700000000}};
    const char *wrong;

    guid_seed(1);
    walk.judge = judge_new(&error);
    cr_assert_not_null(walk.judge, "%s", error.message);
    wrong = image_examine(walk.judge, image, &walk.old);
    cr_assert_null(wrong, "before: %s", wrong);
    cr_assert_eq(shrink_image(recording_file_new(memory_file_snapshot(image), &trace),
                              &walk.request, &report, &error),
                 0, "%s", error.message);
    walk.new.disk_size = report.after.virtual_size;
    walk.new.fs_size = report.after.filesystem_size;
    cr_assert_lt(walk.new.disk_size, walk.old.disk_size, "nothing shrank");

    cr_expect_eq(power_cut_walk(&trace, &options, visit, &walk, &counts), 0);
    cr_expect_gt(walk.olds, 0, "no state was the old one");
    cr_expect_gt(walk.news, 0, "no state was the new one");
    fprintf(stderr, "%llu cuts, %llu states (%llu old, %llu new), %llu shrunk again\n",
            (unsigned long long)counts.cuts, (unsigned long long)counts.states,
            (unsigned long long)walk.olds, (unsigned long long)walk.news,
            (unsigned long long)walk.again);
    trace_clear(&trace);
    file_close(image);
    judge_free(walk.judge);
}

Test(shrink_power_cut, filesystem_and_disk, .timeout = 300)
{
    cut_everywhere(image_with_ext4("-b 1024 -g 4096 -O ^has_journal", 40 * MIB, 40 * MIB), "18M");
}

Test(shrink_power_cut, to_the_minimum, .timeout = 300)
{
    cut_everywhere(image_with_ext4("-b 4096", 40 * MIB, 40 * MIB), "min");
}

/* The filesystem keeps what it has. */
Test(shrink_power_cut, disk_alone, .timeout = 300)
{
    cut_everywhere(image_with_ext4("-b 1024", 16 * MIB, 70 * MIB), "20M");
}

Test(shrink_power_cut, raw, .timeout = 300)
{
    cut_everywhere(raw_image_with_ext4("-b 1024 -g 4096", 40 * MIB, 40 * MIB), "18M");
}
