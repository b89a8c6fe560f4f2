/*
 * What the units of file-overlay share.
 */
#ifndef IMAGE_FORMAT_FILE_OVERLAY_INTERNAL_H
#define IMAGE_FORMAT_FILE_OVERLAY_INTERNAL_H

#include "image-format/file.h"

#define OVERLAY_SECTOR_SIZE 4096
#define OVERLAY_BUCKETS 4096 /* a power of two */

struct overlay_sector {
    struct overlay_sector *next;
    uint64_t number;
    uint8_t *bytes; /* NULL: zeros */
};

struct overlay {
    struct file file;
    struct file *below;
    uint64_t size;
    uint64_t limit;       /* bytes of below that still show through */
    struct overlay *side; /* a side file that was made: with nothing below; NULL: none */
    bool is_side;         /* the overlay's whose side file it is, and freed by that */
    bool side_removed;    /* that below has none any more, as far as this overlay goes */
    uint64_t kept;        /* sectors */
    struct overlay_sector *buckets[OVERLAY_BUCKETS];
};

static inline struct overlay *overlay_of(struct file *file)
{
    return (struct overlay *)file;
}

static inline struct overlay_sector **overlay_find_sector(struct overlay *overlay, uint64_t number)
{
    struct overlay_sector **link = &overlay->buckets[number % OVERLAY_BUCKETS];

    while (*link && (*link)->number != number)
        link = &(*link)->next;
    return link;
}

/* See file.h. */
int overlay_next_data(struct file *file, uint64_t offset, uint64_t *ret_offset,
                      struct error *error);
int overlay_next_hole(struct file *file, uint64_t offset, uint64_t *ret_offset,
                      struct error *error);

#endif
