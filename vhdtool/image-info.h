/*
 * All that info reports of one image, and its two forms.
 */
#ifndef VHDTOOL_IMAGE_INFO_H
#define VHDTOOL_IMAGE_INFO_H

#include <jansson.h>

#include "ext4/facts.h"
#include "image-format/disk.h"

struct image_info {
    const char *path;
    struct disk_description description;
    struct disk_contents contents;
    bool knows_reclaimable;
    uint64_t reclaimable_size; /* bytes: what compact would give back */
};

/* The text for people; the caller frees it. NULL: no memory. */
char *image_info_text(const struct image_info *info);

/* The object of `info --json`. NULL: no memory. */
json_t *image_info_json(const struct image_info *info);

/* The object for one filesystem, null where type is empty. NULL: no memory. */
json_t *filesystem_json(const struct filesystem_facts *facts);

#endif
