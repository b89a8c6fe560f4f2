#include "tests/support/failing-file.h"

#include <inttypes.h>
#include <string.h>

#include "image-format/file.h"
#include "tests/support/must.h"

struct failing_file {
    struct file file;
    struct file *below;
    struct failure *failure;
};

static struct file *below(struct file *file)
{
    return ((struct failing_file *)file)->below;
}

/* Counts a call; true when it is one that fails. */
static bool count_call(struct file *file, bool changes)
{
    struct failure *failure = ((struct failing_file *)file)->failure;
    bool fails;

    if (failure->changes_only && !changes)
        return false;
    failure->calls++;
    fails = failure->for_good ? failure->call != 0 && failure->calls >= failure->call
                              : failure->calls == failure->call;
    failure->happened |= fails;
    return fails;
}

/* Whether the host has no room for a file of that size. */
static bool is_too_long(struct file *file, uint64_t size)
{
    struct failure *failure = ((struct failing_file *)file)->failure;
    struct error ignored;
    uint64_t present;

    if (!failure->full_host || file_get_size(below(file), &present, &ignored) || size <= present)
        return false;
    failure->happened = true;
    return true;
}

static int fail(struct file *file, const char *what, uint64_t where, struct error *error)
{
    const struct failure *failure = ((struct failing_file *)file)->failure;

    return error_set_errno(error, failure->errno_value, "cannot %s at byte %" PRIu64, what, where);
}

static int failing_read(struct file *file, uint64_t offset, void *buffer, size_t size,
                        struct error *error)
{
    if (count_call(file, false))
        return fail(file, "read", offset, error);
    return file_read(below(file), offset, buffer, size, error);
}

static int failing_write(struct file *file, uint64_t offset, const void *buffer, size_t size,
                         struct error *error)
{
    if (!count_call(file, true) && !is_too_long(file, offset + size))
        return file_write(below(file), offset, buffer, size, error);
    if (((struct failing_file *)file)->failure->half_a_write &&
        file_write(below(file), offset, buffer, size / 2, error))
        return -1;
    return fail(file, "write", offset, error);
}

static int failing_get_size(struct file *file, uint64_t *ret_size, struct error *error)
{
    if (count_call(file, false))
        return fail(file, "get the size", 0, error);
    return file_get_size(below(file), ret_size, error);
}

static int failing_set_size(struct file *file, uint64_t size, struct error *error)
{
    if (count_call(file, true) || is_too_long(file, size))
        return fail(file, "end the file", size, error);
    return file_set_size(below(file), size, error);
}

static int failing_flush(struct file *file, struct error *error)
{
    if (count_call(file, true))
        return fail(file, "flush", 0, error);
    return file_flush(below(file), error);
}

static int failing_lock(struct file *file, struct error *error)
{
    return file_lock(below(file), error);
}

static int failing_next_data(struct file *file, uint64_t offset, uint64_t *ret_offset,
                             struct error *error)
{
    return file_next_data(below(file), offset, ret_offset, error);
}

static int failing_next_hole(struct file *file, uint64_t offset, uint64_t *ret_offset,
                             struct error *error)
{
    return file_next_hole(below(file), offset, ret_offset, error);
}

static int failing_zero(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    if (!count_call(file, true))
        return file_zero(below(file), offset, size, error);
    if (((struct failing_file *)file)->failure->half_a_write &&
        file_zero(below(file), offset, size / 2, error))
        return -1;
    return fail(file, "zero", offset, error);
}

static int failing_punch(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    if (!count_call(file, true))
        return file_punch(below(file), offset, size, error);
    if (((struct failing_file *)file)->failure->half_a_write &&
        file_punch(below(file), offset, size / 2, error))
        return -1;
    return fail(file, "make a hole", offset, error);
}

/* The calls of the side file count as those of the file. */
static int failing_open_side(struct file *file, bool create, struct file **ret_side,
                             struct error *error)
{
    if (count_call(file, create))
        return fail(file, "open the side file", 0, error);
    if (file_open_side(below(file), create, ret_side, error))
        return -1;
    if (*ret_side)
        *ret_side = failing_file_new(*ret_side, ((struct failing_file *)file)->failure);
    return 0;
}

static int failing_remove_side(struct file *file, struct error *error)
{
    if (count_call(file, true))
        return fail(file, "remove the side file", 0, error);
    return file_remove_side(below(file), error);
}

static int failing_host_facts(struct file *file, struct file_host_facts *ret_facts,
                              struct error *error)
{
    return file_host_facts(below(file), ret_facts, error);
}

static void failing_close(struct file *file)
{
    file_close(below(file));
    free(file->name);
    free(file);
}

static const struct file_operations failing_file_operations = {
    .read = failing_read,
    .write = failing_write,
    .get_size = failing_get_size,
    .set_size = failing_set_size,
    .flush = failing_flush,
    .lock = failing_lock,
    .next_data = failing_next_data,
    .next_hole = failing_next_hole,
    .zero = failing_zero,
    .punch = failing_punch,
    .open_side = failing_open_side,
    .remove_side = failing_remove_side,
    .host_facts = failing_host_facts,
    .close = failing_close,
};

struct file *failing_file_new(struct file *below_file, struct failure *failure)
{
    struct failing_file *failing = must_allocate(sizeof *failing);

    failing->file.operations = &failing_file_operations;
    failing->file.name = must_have(strdup(below_file->name));
    failing->file.writable = below_file->writable;
    failing->below = below_file;
    failing->failure = failure;
    return &failing->file;
}
