/*
 * Whether the host has room for what a resize adds to the image's file.
 */
#ifndef RESIZE_HOST_SPACE_H
#define RESIZE_HOST_SPACE_H

#include "resize/plan.h"

/* Sets how much larger the host's file gets at most, in bytes, when the plan is carried out on ext4
 * (NULL, with an empty plan: none) and the disk is disk_size bytes long afterwards. ERROR_REFUSED
 * where that is more than free_space, which the disk's description has. */
int resize_check_host_space(struct disk *disk, struct ext4 *ext4, const struct resize_plan *plan,
                            uint64_t disk_size, uint64_t free_space, uint64_t *ret_cost,
                            struct error *error);

#endif
