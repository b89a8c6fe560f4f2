#include "tests/support/recording-file.h"

#include <string.h>

#include "image-format/file.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"

struct recording_file {
    struct file file;
    struct file *below;
    struct trace *trace;
    bool is_side;
};

static struct file *below(struct file *file)
{
    return ((struct recording_file *)file)->below;
}

static void record(struct file *file, struct operation operation, const void *bytes)
{
    struct trace *trace = ((struct recording_file *)file)->trace;

    operation.is_side = ((struct recording_file *)file)->is_side;
    if (trace->count == trace->capacity) {
        trace->capacity = trace->capacity * 2 + 64;
        trace->operations =
            must_resize(trace->operations, trace->capacity, sizeof *trace->operations);
    }
    if (bytes) {
        operation.bytes = must_allocate((size_t)operation.size);
        memcpy(operation.bytes, bytes, (size_t)operation.size);
    }
    trace->operations[trace->count++] = operation;
}

static int recording_read(struct file *file, uint64_t offset, void *buffer, size_t size,
                          struct error *error)
{
    return file_read(below(file), offset, buffer, size, error);
}

static int recording_write(struct file *file, uint64_t offset, const void *buffer, size_t size,
                           struct error *error)
{
    uint64_t old_size;

    if (file_get_size(below(file), &old_size, error) ||
        file_write(below(file), offset, buffer, size, error))
        return -1;
    record(file,
           (struct operation){
               .kind = OPERATION_WRITE,
               .extends = offset + size > old_size,
               .offset = offset,
               .size = size,
           },
           buffer);
    return 0;
}

static int recording_get_size(struct file *file, uint64_t *ret_size, struct error *error)
{
    return file_get_size(below(file), ret_size, error);
}

static int recording_set_size(struct file *file, uint64_t size, struct error *error)
{
    if (file_set_size(below(file), size, error))
        return -1;
    record(file, (struct operation){.kind = OPERATION_SET_SIZE, .size = size}, NULL);
    return 0;
}

static int recording_flush(struct file *file, struct error *error)
{
    if (file_flush(below(file), error))
        return -1;
    record(file, (struct operation){.kind = OPERATION_FLUSH}, NULL);
    return 0;
}

static int recording_lock(struct file *file, struct error *error)
{
    return file_lock(below(file), error);
}

static int recording_next_data(struct file *file, uint64_t offset, uint64_t *ret_offset,
                               struct error *error)
{
    return file_next_data(below(file), offset, ret_offset, error);
}

static int recording_next_hole(struct file *file, uint64_t offset, uint64_t *ret_offset,
                               struct error *error)
{
    return file_next_hole(below(file), offset, ret_offset, error);
}

static int recording_zero(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    if (file_zero(below(file), offset, size, error))
        return -1;
    record(file, (struct operation){.kind = OPERATION_WRITE, .offset = offset, .size = size}, NULL);
    return 0;
}

/* As with the zeroing, a power cut may leave any of its sectors as they were. */
static int recording_punch(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    if (file_punch(below(file), offset, size, error))
        return -1;
    record(file, (struct operation){.kind = OPERATION_WRITE, .offset = offset, .size = size}, NULL);
    return 0;
}

static struct file *recording_new(struct file *below_file, struct trace *trace, bool is_side);

static int recording_open_side(struct file *file, bool create, struct file **ret_side,
                               struct error *error)
{
    if (file_open_side(below(file), create, ret_side, error))
        return -1;
    if (create)
        record(file, (struct operation){.kind = OPERATION_CREATE_SIDE}, NULL);
    if (*ret_side)
        *ret_side = recording_new(*ret_side, ((struct recording_file *)file)->trace, true);
    return 0;
}

static int recording_remove_side(struct file *file, struct error *error)
{
    if (file_remove_side(below(file), error))
        return -1;
    record(file, (struct operation){.kind = OPERATION_REMOVE_SIDE}, NULL);
    return 0;
}

static int recording_host_facts(struct file *file, struct file_host_facts *ret_facts,
                                struct error *error)
{
    return file_host_facts(below(file), ret_facts, error);
}

static void recording_close(struct file *file)
{
    file_close(below(file));
    free(file->name);
    free(file);
}

static const struct file_operations recording_file_operations = {
    .read = recording_read,
    .write = recording_write,
    .get_size = recording_get_size,
    .set_size = recording_set_size,
    .flush = recording_flush,
    .lock = recording_lock,
    .next_data = recording_next_data,
    .next_hole = recording_next_hole,
    .zero = recording_zero,
    .punch = recording_punch,
    .open_side = recording_open_side,
    .remove_side = recording_remove_side,
    .host_facts = recording_host_facts,
    .close = recording_close,
};

static struct file *recording_new(struct file *below_file, struct trace *trace, bool is_side)
{
    struct recording_file *recording = must_allocate(sizeof *recording);

    recording->file.operations = &recording_file_operations;
    recording->file.name = must_have(strdup(below_file->name));
    recording->file.writable = below_file->writable;
    recording->below = below_file;
    recording->trace = trace;
    recording->is_side = is_side;
    return &recording->file;
}

struct file *recording_file_new(struct file *below_file, struct trace *trace)
{
    trace->start = memory_file_snapshot(below_file);
    return recording_new(below_file, trace, false);
}

void trace_clear(struct trace *trace)
{
    file_close(trace->start);
    for (size_t i = 0; i < trace->count; i++)
        free(trace->operations[i].bytes);
    free(trace->operations);
    *trace = (struct trace){0};
}
