/* Whatever is done to a raw image in whatever order, a power cut leaves it as it was after one of
 * the commits, and not an earlier one than the last that had returned; it may be longer than that.
 * The same holds when the power is cut again while the journal is applied. */
#include "tests/support/power-cut.h"
#include "tests/support/raw-model.h"

/* The commit that the disk is as, from oldest on; commit_count for none. */
static size_t find_commit(struct session *session, struct disk *disk, size_t oldest)
{
    size_t index = oldest;

    while (index < session->commit_count &&
           difference(session, disk, session->commits[index].model, index) != UINT64_MAX)
        index++;
    return index;
}

/* A state of a recovery: as the state that was recovered, exactly. */
struct recovery {
    struct session *session;
    struct file *before; /* what it reads as */
    const char *what;
};

static int visit_recovery(struct file *state, const char *what, void *context)
{
    struct recovery *recovery = context;
    struct session *session = recovery->session;
    struct disk *disk = raw_open(state, &error);

    session->recoveries++;
    cr_assert_not_null(disk, "seed %llu, %s, then %s: %s", session->seed, recovery->what, what,
                       error.message);
    cr_assert_eq(disk->size, size_of(recovery->before));
    cr_assert_eq(difference(session, disk, recovery->before, SIZE_MAX), UINT64_MAX,
                 "seed %llu, %s, then %s", session->seed, recovery->what, what);
    disk_close(disk);
    return 0;
}

/* What the disk reads as, as a file. */
static struct file *copy_of(struct disk *disk)
{
    uint8_t *bytes = must_allocate((size_t)disk->size);
    struct file *copy = memory_file_new(disk->size);

    cr_assert_eq(disk_read(disk, 0, bytes, (size_t)disk->size, &error), 0);
    cr_assert_eq(file_write(copy, 0, bytes, (size_t)disk->size, &error), 0);
    free(bytes);
    return copy;
}

/* Begins a change in the state, which applies a pending journal, and cuts that everywhere. */
static void recover(struct session *session, struct file *state, const char *what)
{
    const struct power_cut_options options = {
        .random_states = 1, .state_limit = 2, .cut_limit = 12, .seed = session->seed};
    struct trace trace = {0};
    struct disk *disk = raw_open(recording_file_new(memory_file_snapshot(state), &trace), &error);
    struct recovery recovery = {session, copy_of(disk), what};

    cr_assert_eq(trace.count, 0, "opening writes");
    MUST(disk_begin(disk, &error));
    cr_assert_eq(disk->size, size_of(recovery.before));
    cr_assert_eq(difference(session, disk, recovery.before, SIZE_MAX), UINT64_MAX,
                 "seed %llu, %s: recovered as something else", session->seed, what);
    if (trace.count > 1)
        cr_assert_eq(power_cut_walk(&trace, &options, visit_recovery, &recovery, NULL), 0);
    disk_close(disk);
    file_close(recovery.before);
    trace_clear(&trace);
}

static int visit(struct file *state, const char *what, void *context)
{
    struct session *session = context;
    struct disk *disk = raw_open(memory_file_snapshot(state), &error);
    size_t operation = 0, oldest = 0, index;

    cr_assert_not_null(disk, "seed %llu, %s: %s", session->seed, what, error.message);
    cr_assert_eq(sscanf(what, "power cut after operation %zu", &operation), 1);
    while (oldest + 1 < session->commit_count &&
           session->commits[oldest + 1].operations <= operation)
        oldest++;
    index = find_commit(session, disk, oldest);
    cr_assert_lt(index, session->commit_count, "seed %llu, %s: neither old nor new (from %zu on)",
                 session->seed, what, oldest);
    session->longer += disk->size > size_of(session->commits[index].model);
    disk_close(disk);
    recover(session, state, what);
    file_close(state);
    return 0;
}

static void run_cuts(uint64_t seed)
{
    struct session *session = must_allocate(sizeof *session);
    struct power_cut_options options = {.random_states = 4, .state_limit = 6, .seed = seed};
    struct power_cut_counts counts;
    struct trace trace = {0};

    set_up(session, seed, seed % 4 ? 50000 : 1500000);
    session->trace = &trace;
    open_disk(session);
    keep_commit(session);
    for (int i = 0; i < 3; i++)
        transaction(session, random_below(&session->random, 4) > 0);
    cr_assert_eq(power_cut_walk(&trace, &options, visit, session, &counts), 0);
    fprintf(stderr, "seed %llu: %zu commits, %llu states, %llu longer, %llu of recoveries\n",
            session->seed, session->commit_count - 1, (unsigned long long)counts.states,
            (unsigned long long)session->longer, (unsigned long long)session->recoveries);
    tear_down(session);
    trace_clear(&trace);
}

Test(raw_model, a_power_cut_leaves_the_old_or_the_new_disk, .timeout = 0)
{
    each_seed(run_cuts, 1, 16);
}
