#include "resize/host-space.h"

#include "base/cleanup.h"
#include "base/size.h"

int resize_check_host_space(struct disk *disk, const struct resize_plan *plan, uint64_t disk_size,
                            uint64_t free_space, uint64_t *ret_cost, struct error *error)
{
    CLEANUP_FREE struct disk_range *ranges = NULL;
    char need_text[SIZE_TEXT_SIZE], free_text[SIZE_TEXT_SIZE];
    size_t count;

    if (resize_plan_ranges(plan, &ranges, &count, error) ||
        disk_growth_cost(disk, disk_size, ranges, count, ret_cost, error))
        return -1;
    if (*ret_cost <= free_space)
        return 0;
    size_format(*ret_cost, need_text);
    size_format(free_space, free_text);
    error_set(error, ERROR_REFUSED,
              "the host has %s free where the image lies (%s expected: the file may grow by that)",
              free_text, need_text);
    return error_set_remedy(error, "free that much there, or give a smaller size");
}
