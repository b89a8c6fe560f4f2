/*
 * An overlay keeps what is written in 4 KiB sectors, in a hash table by sector
 * number, and reads the rest from the file below. A sector of zeros keeps no
 * bytes. The size is the overlay's own. Below limit, a sector that isn't kept
 * is that of the file below; at and beyond it, zeros: cutting off lowers the
 * limit, so that nothing old comes back. Kept zeros count as a hole.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "image-format/file-overlay-internal.h"

static const struct file_operations overlay_operations;

/* Reads part of a sector that isn't kept. */
static int read_below(struct overlay *overlay, uint64_t offset, uint8_t *to, size_t size,
                      struct error *error)
{
    size_t there = 0;

    if (offset < overlay->limit)
        there = (size_t)min_u64(size, overlay->limit - offset);
    memset(to + there, 0, size - there);
    return there ? file_read(overlay->below, offset, to, there, error) : 0;
}

static int overlay_read(struct file *file, uint64_t offset, void *buffer, size_t size,
                        struct error *error)
{
    struct overlay *overlay = overlay_of(file);
    uint8_t *to = buffer;

    while (size > 0) {
        size_t within = offset % OVERLAY_SECTOR_SIZE;
        size_t piece = (size_t)min_u64(size, OVERLAY_SECTOR_SIZE - within);
        const struct overlay_sector *sector =
            *overlay_find_sector(overlay, offset / OVERLAY_SECTOR_SIZE);

        if (sector && sector->bytes)
            memcpy(to, sector->bytes + within, piece);
        else if (sector)
            memset(to, 0, piece);
        else if (read_below(overlay, offset, to, piece, error))
            return -1;
        to += piece;
        offset += piece;
        size -= piece;
    }
    return 0;
}

/* The kept sector of that number, made without bytes where it isn't kept yet; *ret_new says so.
 * NULL sets error. */
static struct overlay_sector *keep_sector(struct overlay *overlay, uint64_t number, bool *ret_new,
                                          struct error *error)
{
    struct overlay_sector **link = overlay_find_sector(overlay, number);

    *ret_new = !*link;
    if (*link)
        return *link;
    *link = calloc(1, sizeof **link);
    if (!*link) {
        error_set_no_memory(error);
        return NULL;
    }
    (*link)->number = number;
    overlay->kept++;
    return *link;
}

/* Gives a sector bytes to write to: those below for a new one, zeros else. */
static int materialize(struct overlay *overlay, struct overlay_sector *sector, bool is_new,
                       struct error *error)
{
    sector->bytes = calloc(1, OVERLAY_SECTOR_SIZE);
    if (!sector->bytes)
        return error_set_no_memory(error);
    return is_new ? read_below(overlay, sector->number * OVERLAY_SECTOR_SIZE, sector->bytes,
                               OVERLAY_SECTOR_SIZE, error)
                  : 0;
}

static int write_sector(struct overlay *overlay, uint64_t offset, const uint8_t *from, size_t piece,
                        struct error *error)
{
    bool is_new;
    struct overlay_sector *sector =
        keep_sector(overlay, offset / OVERLAY_SECTOR_SIZE, &is_new, error);

    if (!sector)
        return -1;
    if (piece == OVERLAY_SECTOR_SIZE && bytes_are_zero(from, piece)) {
        free(TAKE(sector->bytes));
        return 0;
    }
    if (!sector->bytes && materialize(overlay, sector, is_new, error))
        return -1;
    memcpy(sector->bytes + offset % OVERLAY_SECTOR_SIZE, from, piece);
    return 0;
}

static int overlay_write(struct file *file, uint64_t offset, const void *buffer, size_t size,
                         struct error *error)
{
    struct overlay *overlay = overlay_of(file);
    const uint8_t *from = buffer;

    while (size > 0) {
        size_t piece = (size_t)min_u64(size, OVERLAY_SECTOR_SIZE - offset % OVERLAY_SECTOR_SIZE);

        if (write_sector(overlay, offset, from, piece, error))
            return -1;
        from += piece;
        offset += piece;
        size -= piece;
        overlay->size = max_u64(overlay->size, offset);
    }
    return 0;
}

static int overlay_get_size(struct file *file, uint64_t *ret_size, struct error *error)
{
    (void)error;
    *ret_size = overlay_of(file)->size;
    return 0;
}

/* Frees the sectors that lie beyond size, and zeros the rest of the one that holds its end. */
static void cut_sectors(struct overlay *overlay, uint64_t size)
{
    for (unsigned i = 0; i < OVERLAY_BUCKETS; i++) {
        struct overlay_sector **link = &overlay->buckets[i];

        while (*link) {
            struct overlay_sector *sector = *link;
            uint64_t start = sector->number * OVERLAY_SECTOR_SIZE;

            if (start >= size) {
                *link = sector->next;
                free(sector->bytes);
                free(sector);
                overlay->kept--;
                continue;
            }
            if (size - start < OVERLAY_SECTOR_SIZE && sector->bytes)
                memset(sector->bytes + (size - start), 0,
                       OVERLAY_SECTOR_SIZE - (size_t)(size - start));
            link = &sector->next;
        }
    }
}

static int overlay_set_size(struct file *file, uint64_t size, struct error *error)
{
    struct overlay *overlay = overlay_of(file);

    (void)error;
    if (size < overlay->size)
        cut_sectors(overlay, size);
    overlay->limit = min_u64(overlay->limit, size);
    overlay->size = size;
    return 0;
}

static int overlay_flush(struct file *file, struct error *error)
{
    (void)file;
    (void)error;
    return 0;
}

static int overlay_lock(struct file *file, struct error *error)
{
    return file_lock(overlay_of(file)->below, error);
}

static void free_overlay(struct overlay *overlay)
{
    if (!overlay)
        return;
    cut_sectors(overlay, 0);
    free_overlay(overlay->side);
    file_close(overlay->below);
    free(overlay->file.name);
    free(overlay);
}

/* Without a file below where that is NULL. Doesn't take ownership of below on failure. */
static struct overlay *new_overlay(struct file *below, const char *name, struct error *error)
{
    struct overlay *overlay = calloc(1, sizeof *overlay);

    if (overlay)
        overlay->file.name = strdup(name);
    if (!overlay || !overlay->file.name) {
        free_overlay(overlay);
        error_set_no_memory(error);
        return NULL;
    }
    overlay->file.operations = &overlay_operations;
    overlay->file.writable = true;
    overlay->below = below;
    return overlay;
}

/* What stands beside the file below can be read; what is made and removed, is in memory. */
static int overlay_open_side(struct file *file, bool create, struct file **ret_side,
                             struct error *error)
{
    struct overlay *overlay = overlay_of(file);
    struct file *there = NULL;

    if (overlay->side)
        there = &overlay->side->file;
    else if (!overlay->side_removed && file_open_side(overlay->below, false, &there, error))
        return -1;
    if (create && there) {
        file_close(there);
        return error_set(error, ERROR_SYSTEM, "there is a journal beside it already");
    }
    if (create) {
        overlay->side = new_overlay(NULL, file->name, error);
        if (!overlay->side)
            return -1;
        overlay->side->is_side = true;
        there = &overlay->side->file;
    }
    *ret_side = there;
    return 0;
}

static int overlay_remove_side(struct file *file, struct error *error)
{
    struct overlay *overlay = overlay_of(file);

    (void)error;
    free_overlay(overlay->side);
    overlay->side = NULL;
    overlay->side_removed = true;
    return 0;
}

static int overlay_host_facts(struct file *file, struct file_host_facts *ret_facts,
                              struct error *error)
{
    return file_host_facts(overlay_of(file)->below, ret_facts, error);
}

static void overlay_close(struct file *file)
{
    if (!overlay_of(file)->is_side)
        free_overlay(overlay_of(file));
}

static const struct file_operations overlay_operations = {
    .read = overlay_read,
    .write = overlay_write,
    .get_size = overlay_get_size,
    .set_size = overlay_set_size,
    .flush = overlay_flush,
    .lock = overlay_lock,
    .next_data = overlay_next_data,
    .next_hole = overlay_next_hole,
    .open_side = overlay_open_side,
    .remove_side = overlay_remove_side,
    .host_facts = overlay_host_facts,
    .close = overlay_close,
};

struct file *file_overlay_below(struct file *file)
{
    return overlay_of(file)->below;
}

struct file *file_overlay_drop(struct file *file)
{
    struct overlay *overlay = overlay_of(file);
    struct file *below = TAKE(overlay->below);

    overlay_close(file);
    return below;
}

struct file *file_overlay_new(struct file *below, struct error *error)
{
    struct overlay *overlay = new_overlay(below, below->name, error);

    if (!overlay) {
        file_close(below);
        return NULL;
    }
    if (file_get_size(below, &overlay->size, error)) {
        overlay_close(&overlay->file);
        return NULL;
    }
    overlay->limit = overlay->size;
    return &overlay->file;
}
