/* Whatever is done to a raw image in whatever order, it reads as a plain file does to which the
 * same is done. */
#include "tests/support/raw-model.h"

static void run_session(uint64_t seed)
{
    struct session *session = must_allocate(sizeof *session);

    set_up(session, seed, 3 * MIB);
    open_disk(session);
    keep_commit(session);
    for (int i = 0; i < 8; i++)
        transaction(session, random_below(&session->random, 3) > 0);
    disk_close(session->disk);
    open_disk(session);
    expect_same(session, "opened again");
    tear_down(session);
}

Test(raw_model, a_disk_reads_as_a_plain_file, .timeout = 0)
{
    each_seed(run_session, 1, 30);
}
