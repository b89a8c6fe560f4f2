#include "vhdtool/expand.h"

#include <inttypes.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "vhdtool/options.h"
#include "vhdtool/resizing.h"

static int choose_size(struct resizing *resizing, struct error *error)
{
    uint64_t present = resizing->disk->size, wanted;

    if (!resizing->request->size)
        return 0;
    if (operand_size(resizing->request->size, present, &wanted, error))
        return -1;
    wanted = round_up(wanted, resizing->description.logical_sector_size);
    if (wanted < present) {
        error_set(error, ERROR_REFUSED,
                  "the size %" PRIu64 " is less than the disk's %" PRIu64 " bytes (more expected)",
                  wanted, present);
        return error_set_remedy(error, "`vhdtool shrink` makes a disk smaller");
    }
    resizing->new_size = wanted;
    return 0;
}

/* Without a size, there has to be something that can grow to the disk's. */
static int check_contents(const struct resizing *resizing, struct error *error)
{
    const char *contents = resizing->report->contents;

    if (resizing->has_ext4 || resizing->request->size)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "there is no ext2, ext3 or ext4 on the disk%s%s (one "
                     "that grows to the disk's size expected, or a SIZE)",
                     contents[0] ? " but: " : "", contents);
}

static int plan_all(struct resizing *resizing, struct error *error)
{
    struct resize_request to_size = {.goal = RESIZE_TO_SIZE};

    if (choose_size(resizing, error) || resizing_open_filesystem(resizing, error) ||
        check_contents(resizing, error))
        return -1;
    to_size.size = resizing->new_size;
    return resizing_plan(resizing, &to_size, error) || resizing_check_host_space(resizing, error)
               ? -1
               : 0;
}

static int carry_out(struct resizing *resizing, struct error *error)
{
    if (resizing_run(resizing, error))
        return -1;
    change_say(resizing->request, "giving back what became free");
    if (disk_reclaim(resizing->disk, error) || resizing_report_file(resizing, error))
        return error_wrap(error, "after the image had grown");
    return 0;
}

int expand_image(struct file *file, const struct change_request *request,
                 struct change_report *ret_report, struct error *error)
{
    CLEANUP(resizing_close)
    struct resizing resizing = {.request = request, .report = ret_report};

    if (resizing_open(&resizing, file, error) || plan_all(&resizing, error))
        return -1;
    if (resizing_is_done(&resizing))
        return resizing_renew_copies(&resizing, error);
    return request->dry_run ? 0 : carry_out(&resizing, error);
}
