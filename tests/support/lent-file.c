#include "tests/support/lent-file.h"

#include <stdlib.h>

#include "image-format/file.h"
#include "tests/support/must.h"

struct lent_file {
    struct file file;
    struct file *below;
};

static struct file *below_of(struct file *file)
{
    return ((struct lent_file *)file)->below;
}

static int lent_read(struct file *file, uint64_t offset, void *buffer, size_t size,
                     struct error *error)
{
    return file_read(below_of(file), offset, buffer, size, error);
}

static int lent_write(struct file *file, uint64_t offset, const void *buffer, size_t size,
                      struct error *error)
{
    return file_write(below_of(file), offset, buffer, size, error);
}

static int lent_get_size(struct file *file, uint64_t *ret_size, struct error *error)
{
    return file_get_size(below_of(file), ret_size, error);
}

static int lent_set_size(struct file *file, uint64_t size, struct error *error)
{
    return file_set_size(below_of(file), size, error);
}

static int lent_flush(struct file *file, struct error *error)
{
    return file_flush(below_of(file), error);
}

static int lent_lock(struct file *file, struct error *error)
{
    return file_lock(below_of(file), error);
}

static int lent_next_data(struct file *file, uint64_t offset, uint64_t *ret_offset,
                          struct error *error)
{
    return file_next_data(below_of(file), offset, ret_offset, error);
}

static int lent_next_hole(struct file *file, uint64_t offset, uint64_t *ret_offset,
                          struct error *error)
{
    return file_next_hole(below_of(file), offset, ret_offset, error);
}

static int lent_zero(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    return file_zero(below_of(file), offset, size, error);
}

static int lent_punch(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    return file_punch(below_of(file), offset, size, error);
}

static int lent_open_side(struct file *file, bool create, struct file **ret_side,
                          struct error *error)
{
    return file_open_side(below_of(file), create, ret_side, error);
}

static int lent_remove_side(struct file *file, struct error *error)
{
    return file_remove_side(below_of(file), error);
}

static int lent_host_facts(struct file *file, struct file_host_facts *ret_facts,
                           struct error *error)
{
    return file_host_facts(below_of(file), ret_facts, error);
}

static void lent_close(struct file *file)
{
    free(file);
}

static const struct file_operations lent_operations = {
    .read = lent_read,
    .write = lent_write,
    .get_size = lent_get_size,
    .set_size = lent_set_size,
    .flush = lent_flush,
    .lock = lent_lock,
    .next_data = lent_next_data,
    .next_hole = lent_next_hole,
    .zero = lent_zero,
    .punch = lent_punch,
    .open_side = lent_open_side,
    .remove_side = lent_remove_side,
    .host_facts = lent_host_facts,
    .close = lent_close,
};

struct file *lent_file_new(struct file *below)
{
    struct lent_file *lent = must_allocate(sizeof *lent);

    lent->file.operations = &lent_operations;
    lent->file.name = below->name;
    lent->file.writable = below->writable;
    lent->below = below;
    return &lent->file;
}
