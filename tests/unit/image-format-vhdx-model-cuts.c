/* Whatever is done to a VHDX in whatever order, what a power cut leaves of it reads as a plain file
 * does to which the same was done, up to one of the last commits. */
#include "tests/support/power-cut.h"
#include "tests/support/vhdx-model.h"

/* The state is one that was committed, and not older than the last commit that had returned. */
static int visit(struct file *state, const char *what, void *context)
{
    struct session *session = context;
    struct disk *disk = image_open(memory_file_snapshot(state), &error);
    size_t operation = 0, oldest = 0, index;

    cr_assert_not_null(disk, "seed %llu, %s: %s", session->seed, what, error.message);
    cr_assert_eq(sscanf(what, "power cut after operation %zu", &operation), 1);
    while (oldest + 1 < session->commit_count &&
           session->commits[oldest + 1].operations <= operation)
        oldest++;
    for (index = oldest; index < session->commit_count; index++)
        if (is_same(session, disk, session->commits[index].model))
            break;
    cr_assert_lt(index, session->commit_count, "seed %llu, %s: neither old nor new (from %zu on)",
                 session->seed, what, oldest);
    MUST(disk_begin(disk, &error));
    cr_assert(is_same(session, disk, session->commits[index].model), "replayed on disk");
    disk_close(disk);
    file_close(state);
    return 0;
}

static void run_cuts(uint64_t seed)
{
    struct session *session = must_allocate(sizeof *session);
    struct power_cut_options options = {.random_states = 2, .state_limit = 3, .seed = seed};
    struct trace trace = {0};

    set_up(session, seed, true);
    session->trace = &trace;
    session->commits[0].model = memory_file_snapshot(session->committed);
    session->commit_count = 1;
    open_disk(session);
    for (int i = 0; i < 4; i++)
        act(session);
    cr_assert_eq(power_cut_walk(&trace, &options, visit, session, NULL), 0);
    tear_down(session);
    trace_clear(&trace);
}

Test(vhdx_model, a_power_cut_leaves_the_old_or_the_new_disk, .timeout = 0)
{
    each_seed(run_cuts, 1, 3);
}
