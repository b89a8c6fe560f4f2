#include "vhdtool/watched-file.h"

#include <stdlib.h>

#include "base/progress.h"
#include "image-format/file.h"
#include "program/process-posix.h"

struct watched_file {
    struct file file;
    struct file *below;
    struct progress *progress;
    uint64_t written; /* bytes */
};

static struct file *below_of(struct file *file)
{
    return ((struct watched_file *)file)->below;
}

int watched_file_check_interrupted(struct error *error)
{
    return posix_interrupted() ? error_set(error, ERROR_INTERRUPTED, "interrupted by a signal") : 0;
}

static int watched_read(struct file *file, uint64_t offset, void *buffer, size_t size,
                        struct error *error)
{
    return watched_file_check_interrupted(error)
               ? -1
               : file_read(below_of(file), offset, buffer, size, error);
}

static int watched_write(struct file *file, uint64_t offset, const void *buffer, size_t size,
                         struct error *error)
{
    struct watched_file *self = (struct watched_file *)file;

    if (watched_file_check_interrupted(error) ||
        file_write(self->below, offset, buffer, size, error))
        return -1;
    self->written += size;
    progress_update(self->progress, "writing", self->written, 0);
    return 0;
}

static int watched_get_size(struct file *file, uint64_t *ret_size, struct error *error)
{
    return file_get_size(below_of(file), ret_size, error);
}

static int watched_set_size(struct file *file, uint64_t size, struct error *error)
{
    return watched_file_check_interrupted(error) ? -1 : file_set_size(below_of(file), size, error);
}

static int watched_flush(struct file *file, struct error *error)
{
    return file_flush(below_of(file), error);
}

static int watched_lock(struct file *file, struct error *error)
{
    return file_lock(below_of(file), error);
}

static int watched_next_data(struct file *file, uint64_t offset, uint64_t *ret_offset,
                             struct error *error)
{
    return file_next_data(below_of(file), offset, ret_offset, error);
}

static int watched_next_hole(struct file *file, uint64_t offset, uint64_t *ret_offset,
                             struct error *error)
{
    return file_next_hole(below_of(file), offset, ret_offset, error);
}

static int watched_zero(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    return watched_file_check_interrupted(error) ? -1
                                                 : file_zero(below_of(file), offset, size, error);
}

static int watched_punch(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    return watched_file_check_interrupted(error) ? -1
                                                 : file_punch(below_of(file), offset, size, error);
}

static int watched_open_side(struct file *file, bool create, struct file **ret_side,
                             struct error *error)
{
    return file_open_side(below_of(file), create, ret_side, error);
}

static int watched_remove_side(struct file *file, struct error *error)
{
    return file_remove_side(below_of(file), error);
}

static int watched_host_facts(struct file *file, struct file_host_facts *ret_facts,
                              struct error *error)
{
    return file_host_facts(below_of(file), ret_facts, error);
}

static void watched_close(struct file *file)
{
    file_close(below_of(file));
    free((struct watched_file *)file);
}

static const struct file_operations watched_operations = {
    .read = watched_read,
    .write = watched_write,
    .get_size = watched_get_size,
    .set_size = watched_set_size,
    .flush = watched_flush,
    .lock = watched_lock,
    .next_data = watched_next_data,
    .next_hole = watched_next_hole,
    .zero = watched_zero,
    .punch = watched_punch,
    .open_side = watched_open_side,
    .remove_side = watched_remove_side,
    .host_facts = watched_host_facts,
    .close = watched_close,
};

struct file *watched_file_new(struct file *below, struct progress *progress, struct error *error)
{
    struct watched_file *self = calloc(1, sizeof *self);

    if (!self) {
        file_close(below);
        error_set_no_memory(error);
        return NULL;
    }
    self->file = (struct file){
        .operations = &watched_operations, .name = below->name, .writable = below->writable};
    self->below = below;
    self->progress = progress;
    return &self->file;
}
