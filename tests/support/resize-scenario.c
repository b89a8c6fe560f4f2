#define _GNU_SOURCE
#include "tests/support/resize-scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/guid.h"
#include "image-format/disk.h"
#include "image-format/image.h"
#include "resize/copies.h"
#include "resize/pack.h"
#include "tests/support/host.h"
#include "tests/support/image.h"
#include "tests/support/judge.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/memory-file.h"

static int make_raw(const struct resize_scenario *scenario, const char *path, struct error *error)
{
    const char *folder = getenv("TESTS");
    CLEANUP_FREE char *command = NULL, *size = NULL, *output = NULL;
    int status;

    if (asprintf(&command, "exec '%s/support/fragmented-filesystem.py' \"$@\" %s",
                 folder ? folder : "tests", scenario->contents) < 0 ||
        asprintf(&size, "%llu", (unsigned long long)scenario->fs_size) < 0)
        abort();
    if (host_run((const char *[]){"bash", "-c", command, "bash", path, size, scenario->mkfs_options,
                                  NULL},
                 &status, &output, error))
        return -1;
    return status == 0 ? 0
                       : error_set(error, ERROR_SYSTEM, "%s: status %d: %.600s", scenario->name,
                                   status, output);
}

struct file *resize_scenario_image(const struct resize_scenario *scenario, struct error *error)
{
    char *path = host_temporary_file(NULL, error);
    struct file *file = NULL;

    guid_seed(1);
    if (path && make_raw(scenario, path, error) == 0)
        file = memory_file_load(path, error);
    filesystem_remove(path);
    return file && scenario->is_vhdx ? image_of_filesystem(file, scenario->fs_size) : file;
}

struct judge *resize_scenario_judge(const struct resize_scenario *scenario, struct error *error)
{
    struct judge *judge = judge_new(error);

    if (judge && strstr(scenario->contents, "wide-trees"))
        judge_allow_wide_trees(judge);
    return judge;
}

/* A signal handler's flag, as it were. */
static size_t asked, interrupted_at;

static bool is_interrupted(void)
{
    return ++asked == interrupted_at;
}

static size_t count_late(const struct resize_plan *plan)
{
    struct ext4_run part;
    size_t count = 0;

    for (size_t i = 0; i < plan->relocation.move_count; i++) {
        const struct resize_move *move = &plan->relocation.moves[i];

        count +=
            resize_zones_meet(&plan->late, (struct ext4_run){move->to, move->count}, &part) ? 1 : 0;
    }
    for (size_t i = 0; i < plan->relocation.node_count; i++)
        count +=
            resize_zones_meet(&plan->late, (struct ext4_run){plan->relocation.nodes[i], 1}, &part)
                ? 1
                : 0;
    return count;
}

static void describe_plan(const struct resize_plan *plan, struct resize_outcome *outcome)
{
    outcome->fs_size = resize_plan_size(plan);
    outcome->moves = plan->relocation.move_count;
    outcome->inode_moves = plan->inode_move_count;
    outcome->vacated = plan->vacated.count;
    outcome->table_moves = plan->table_moves.count;
    outcome->xattrs = plan->relocation.xattr_inodes.count;
    outcome->late = count_late(plan);
}

/* What is behind a filesystem that shrinks, a raw image is rid of; a conversion leaves it. */
static uint64_t choose_disk_size(const struct resize_scenario *scenario, const struct disk *disk,
                                 uint64_t fs_size)
{
    bool keeps = scenario->is_vhdx || scenario->pack_unit > 0 ||
                 scenario->request.goal == RESIZE_TO_64BIT ||
                 scenario->request.goal == RESIZE_TO_32BIT;

    return keeps ? max_u64(disk->size, fs_size) : fs_size;
}

static int make_plan(const struct resize_scenario *scenario, struct ext4 *ext4,
                     struct resize_plan *ret_plan, struct error *error)
{
    CLEANUP(resize_packing_free) struct resize_packing packing = {0};

    if (scenario->pack_unit == 0)
        return resize_plan_make(ext4, &scenario->request, ret_plan, error);
    if (resize_plan_packing(ext4, scenario->pack_unit, &packing, error))
        return -1;
    *ret_plan = packing.plan;
    packing.plan = (struct resize_plan){0};
    return 0;
}

static int renew_copies(struct disk *disk, struct ext4 *ext4, struct error *error)
{
    bool stale;

    if (resize_copies_are_stale(ext4, &stale, error))
        return -1;
    return stale ? resize_copies_renew(disk, ext4, error) : 0;
}

static int run_plan(const struct resize_scenario *scenario, struct disk *disk, struct ext4 *ext4,
                    size_t interrupt_at, struct resize_outcome *outcome, struct error *error)
{
    CLEANUP(resize_plan_free) struct resize_plan plan = {0};
    struct resize_run run = {
        .now = 1700000000, .batch_bytes = scenario->batch_bytes, .interrupted = is_interrupted};
    int result;

    if (make_plan(scenario, ext4, &plan, error))
        return -1;
    describe_plan(&plan, outcome);
    outcome->disk_size = run.disk_size = choose_disk_size(scenario, disk, outcome->fs_size);
    if (resize_plan_is_empty(&plan) && run.disk_size == disk->size)
        return renew_copies(disk, ext4, error);
    asked = 0, interrupted_at = interrupt_at;
    result = resize_run(disk, ext4, &plan, &run, &outcome->state, error);
    outcome->begun = asked;
    return result ? -1 : disk_reclaim(disk, error);
}

int resize_scenario_run(const struct resize_scenario *scenario, struct file *file,
                        size_t interrupt_at, struct resize_outcome *ret_outcome,
                        struct error *error)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(file, error);
    struct ext4 ext4;
    bool finished;
    int result;

    *ret_outcome = (struct resize_outcome){0};
    if (!disk || image_finish(disk, &finished, error) ||
        ext4_open_checked(disk, false, &ext4, error))
        return -1;
    result = run_plan(scenario, disk, &ext4, interrupt_at, ret_outcome, error);
    ext4_release(&ext4);
    return result;
}

const char *resize_scenario_unfinished(const struct file *file, struct error *error)
{
    CLEANUP(cleanup_disk) struct disk *disk = image_open(memory_file_snapshot(file), error);
    const char *what = NULL;
    bool finished, stale;
    struct ext4 ext4;

    if (!disk || image_finish(disk, &finished, error) ||
        ext4_open_checked(disk, false, &ext4, error))
        return error->message;
    if (resize_copies_are_stale(&ext4, &stale, error))
        what = error->message;
    else if (finished || stale)
        what = finished ? "a commit isn't in its place" : "copies are stale";
    ext4_release(&ext4);
    return what;
}

bool resize_scenario_is_met(const struct resize_scenario *scenario,
                            const struct resize_outcome *outcome)
{
    bool is_done = scenario->pack_unit > 0 ? outcome->state.moved && !outcome->state.changed
                                           : outcome->state.changed;

    return is_done && outcome->moves >= scenario->moves &&
           outcome->inode_moves >= scenario->inode_moves && outcome->vacated >= scenario->vacated &&
           outcome->table_moves >= scenario->table_moves && outcome->xattrs >= scenario->xattrs &&
           outcome->late >= scenario->late && outcome->begun >= scenario->begun;
}
