#include "image-format/image.h"

#include <stddef.h>
#include <string.h>

#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/raw/raw.h"
#include "image-format/vhdx/vhdx.h"

struct format {
    int (*probe)(struct file *file, unsigned *ret_bits, struct error *error);
    struct disk *(*open)(struct file *file, struct error *error);
};

static const struct format formats[] = {
    {vhdx_probe, vhdx_open},
    {raw_probe, raw_open},
};

struct disk *image_open(struct file *file, struct error *error)
{
    const struct format *best = NULL;
    unsigned best_bits = 0;

    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        unsigned bits;

        if (formats[i].probe(file, &bits, error)) {
            file_close(file);
            return NULL;
        }
        if (bits > best_bits) {
            best = &formats[i];
            best_bits = bits;
        }
    }
    if (!best) {
        file_close(file);
        error_set(error, ERROR_NOT_IMAGE, "it is not a disk image that is known here (VHDX, raw)");
        return NULL;
    }
    return best->open(file, error);
}

int image_finish(struct disk *disk, bool *ret_finished, struct error *error)
{
    struct disk_description description;
    bool is_dirty;

    *ret_finished = false;
    if (disk_describe(disk, &description, error))
        return -1;
    is_dirty = strcmp(description.log, "dirty") == 0;
    if (!is_dirty && !description.has_leftover)
        return 0;
    *ret_finished = is_dirty;
    if (disk_begin(disk, error))
        return -1;
    if (disk_commit(disk, error)) {
        disk_abort(disk);
        return -1;
    }
    return 0;
}
