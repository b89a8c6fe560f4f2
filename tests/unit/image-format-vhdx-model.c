/* Whatever is done to a VHDX in whatever order, it reads as a plain file does to which the same is
 * done. */
#include "tests/support/vhdx-model.h"

static void run_session(uint64_t seed)
{
    struct session *session = must_allocate(sizeof *session);

    set_up(session, seed, false);
    open_disk(session);
    for (int i = 0; i < 8; i++)
        act(session);
    tear_down(session);
}

Test(vhdx_model, a_disk_reads_as_a_plain_file, .timeout = 0)
{
    each_seed(run_session, 1, 40);
}
