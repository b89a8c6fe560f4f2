#include "vhdtool/shrink.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "image-format/zeros.h"
#include "vhdtool/compact.h"
#include "vhdtool/options.h"
#include "vhdtool/resizing.h"

static bool to_minimum(const struct resizing *resizing)
{
    return strcmp(resizing->request->size, SHRINK_TO_MINIMUM) == 0;
}

static bool is_raw(const struct resizing *resizing)
{
    return strcmp(resizing->description.format, "raw") == 0;
}

/* A disk's size: whole sectors, but for the size that it has. */
static uint64_t round_size(const struct resizing *resizing, uint64_t size)
{
    return min_u64(round_up(size, resizing->description.logical_sector_size), resizing->disk->size);
}

static int choose_size(struct resizing *resizing, struct error *error)
{
    uint64_t present = resizing->disk->size, wanted;

    if (to_minimum(resizing))
        return 0;
    if (operand_size(resizing->request->size, present, &wanted, error))
        return -1;
    if (wanted > present) {
        error_set(error, ERROR_REFUSED,
                  "the size %" PRIu64 " is more than the disk's %" PRIu64 " bytes (less expected)",
                  wanted, present);
        return error_set_remedy(error, "`vhdtool expand` makes a disk larger");
    }
    resizing->new_size = round_size(resizing, wanted);
    return 0;
}

/* Only of a filesystem whose bitmaps count, or of nothing at all, is it known what can be cut
 * off. */
static int check_contents(struct resizing *resizing, struct error *error)
{
    const char *contents = resizing->report->contents;

    if (resizing->ambiguous) {
        error_set(error, ERROR_REFUSED,
                  "there are signs of more than one thing on the disk (one filesystem expected)");
        return error_set_remedy(error, "`wipefs` shows them, and removes what is a leftover");
    }
    if (resizing->has_ext4 || (!contents[0] && !to_minimum(resizing)))
        return 0;
    if (contents[0])
        return error_set(error, ERROR_REFUSED,
                         "there is no ext2, ext3 or ext4 on the disk but: %s (others can't be made "
                         "smaller here)",
                         contents);
    return error_set(error, ERROR_REFUSED,
                     "there is no ext2, ext3 or ext4 on the disk that would have a minimum (a SIZE "
                     "expected)");
}

static int plan_filesystem(struct resizing *resizing, struct error *error)
{
    const struct ext4_geometry *geometry = &resizing->ext4.geometry;
    struct resize_request request = {.goal = RESIZE_TO_MINIMUM};

    if (!resizing->has_ext4)
        return 0;
    if (!to_minimum(resizing)) {
        request.goal = RESIZE_TO_SIZE;
        request.size = min_u64(resizing->new_size, geometry->blocks * geometry->block_size);
    }
    if (resizing_plan(resizing, &request, error))
        return -1;
    if (to_minimum(resizing))
        resizing->new_size = round_size(resizing, resize_plan_size(&resizing->plan));
    if (resize_plan_size(&resizing->plan) > resizing->new_size)
        return error_set(error, ERROR_UNSUPPORTED, "this filesystem can't be made smaller");
    return 0;
}

/* What lies behind the filesystem is nobody's, or something that isn't known here. */
static int check_cut_off(const struct resizing *resizing, struct error *error)
{
    const struct change_request *request = resizing->request;
    const struct disk_watch watch = {request->progress, request->interrupted};
    const struct ext4_geometry *geometry = &resizing->ext4.geometry;
    uint64_t from = resizing->new_size, data;

    if (resizing->has_ext4)
        from = max_u64(from, geometry->blocks * geometry->block_size);
    if (request->force || from >= resizing->disk->size)
        return 0;
    change_say(request, "looking at what would be cut off");
    if (disk_find_nonzero(resizing->disk, from, &watch, &data, error))
        return -1;
    if (data == resizing->disk->size)
        return 0;
    error_set(error, ERROR_REFUSED, "there is data at byte %" PRIu64 ", %s (zeros expected)", data,
              resizing->has_ext4 ? "behind the filesystem's end" : "behind the new end");
    return error_set_remedy(error, "if it is nothing but what a larger filesystem has left there, "
                                   "--force cuts it off");
}

static int check_host_space(struct resizing *resizing, struct error *error)
{
    if (resizing_check_host_space(resizing, error) == 0)
        return 0;
    if (error->kind == ERROR_REFUSED && !is_raw(resizing))
        error_set_remedy(error, "free that much there; `vhdtool compact` needs no room, and may do "
                                "it");
    return -1;
}

static int plan_all(struct resizing *resizing, struct error *error)
{
    if (choose_size(resizing, error) || resizing_name_contents(resizing, error) ||
        (!resizing->ambiguous && resizing_open_filesystem(resizing, error)))
        return -1;
    if (!resizing->has_ext4 && !to_minimum(resizing) && resizing->new_size == resizing->disk->size)
        return 0;
    return check_contents(resizing, error) || plan_filesystem(resizing, error) ||
                   check_cut_off(resizing, error) || check_host_space(resizing, error)
               ? -1
               : 0;
}

/* What the filesystem has left between its new end and the disk's means nothing to anybody. As
 * zeros it takes no space, and the next time nobody wonders what it is. */
static int blank_rest(struct resizing *resizing, uint64_t old_end, uint64_t new_end,
                      struct error *error)
{
    struct disk *disk = resizing->disk;
    uint64_t end = min_u64(old_end, disk->size);

    if (new_end >= end)
        return 0;
    return disk_begin(disk, error) || disk_zero_unreferenced(disk, new_end, end - new_end, error) ||
                   disk_commit(disk, error)
               ? -1
               : 0;
}

static int run_plan(struct resizing *resizing, struct error *error)
{
    const struct resize_plan *plan = &resizing->plan;
    uint64_t old_end = plan->old.blocks * plan->old.block_size;
    uint64_t new_end = resize_plan_size(plan);

    if (resizing_run(resizing, error))
        return -1;
    return resizing->has_ext4 ? blank_rest(resizing, old_end, new_end, error) : 0;
}

static int compact(struct resizing *resizing, struct error *error)
{
    const struct compact_request request = {.change = *resizing->request};
    struct compact_report compacted = {.change = *resizing->report};
    int result;

    resizing_close_filesystem(resizing);
    result = compact_disk(resizing->disk, &request, &compacted, error);
    *resizing->report = compacted.change;
    return result;
}

static int carry_out(struct resizing *resizing, struct error *error)
{
    if (run_plan(resizing, error))
        return -1;
    if ((!is_raw(resizing) && compact(resizing, error)) || resizing_report_file(resizing, error))
        return error_wrap(error, "after the image had its new size");
    return 0;
}

/* What is stored behind the new end, in whole blocks: the file ends up that much shorter than it
 * would otherwise be. */
static int count_cut_off(const struct resizing *resizing, uint64_t *ret_bytes, struct error *error)
{
    struct disk *disk = resizing->disk;
    uint64_t at = round_up(resizing->new_size, max_u64(resizing->description.block_size, 1));
    struct disk_extent extent;

    for (*ret_bytes = 0; at < disk->size; at += extent.size) {
        if (disk_get_extent(disk, at, disk->size, &extent, error))
            return -1;
        if (extent.state == DISK_EXTENT_DATA)
            *ret_bytes += extent.size;
    }
    return 0;
}

/* In memory, which the disk alone takes little of. */
static int foresee_disk_alone(struct resizing *resizing, struct error *error)
{
    const struct change_request *request = resizing->request;
    struct change_request silent = *request;
    struct change_report *report = resizing->report;
    int result;

    silent.say = NULL;
    resizing->request = &silent;
    result = resizing_run(resizing, error) || compact(resizing, error) ? -1 : 0;
    resizing->request = request;
    report->begun = report->changed = report->uncertain = false;
    return result;
}

/* What the file comes to: at most, where blocks have to move. */
static int foresee(struct resizing *resizing, struct error *error)
{
    struct change_report *report = resizing->report;
    bool moves = !resize_plan_is_empty(&resizing->plan);
    uint64_t cut_off;

    if (!moves)
        return is_raw(resizing) ? 0 : foresee_disk_alone(resizing, error);
    report->exact = is_raw(resizing);
    if (is_raw(resizing))
        return 0;
    if (count_cut_off(resizing, &cut_off, error))
        return -1;
    report->after.file_size -= min_u64(report->after.file_size, cut_off);
    return 0;
}

int shrink_image(struct file *file, const struct change_request *request,
                 struct change_report *ret_report, struct error *error)
{
    CLEANUP(resizing_close)
    struct resizing resizing = {.request = request, .report = ret_report};
    bool is_done;

    if (resizing_open(&resizing, file, error) || plan_all(&resizing, error))
        return -1;
    is_done = resizing_is_done(&resizing);
    if (is_done && resizing_renew_copies(&resizing, error))
        return -1;
    /* Compacting is part of it, and may have been cut off. What is no ext4 wasn't looked at. */
    if (is_done && (is_raw(&resizing) || !resizing.has_ext4))
        return 0;
    if (is_done && !request->dry_run)
        return compact(&resizing, error) || resizing_report_file(&resizing, error) ? -1 : 0;
    return request->dry_run ? foresee(&resizing, error) : carry_out(&resizing, error);
}
