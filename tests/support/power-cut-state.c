#include "tests/support/power-cut-state.h"

#include "base/checked.h"
#include "image-format/file.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"
#include "tests/support/random.h"

#define SECTOR_SIZE UINT64_C(512)

uint64_t operation_sectors(const struct operation *operation)
{
    if (operation->kind != OPERATION_WRITE)
        return 0;
    return divide_up(operation->offset + operation->size, SECTOR_SIZE) -
           operation->offset / SECTOR_SIZE;
}

int operations_interfere(const struct operation *a, const struct operation *b)
{
    if (a->is_side != b->is_side)
        return false;
    if (a->kind == OPERATION_WRITE && b->kind == OPERATION_WRITE)
        return a->offset < b->offset + b->size && b->offset < a->offset + a->size;
    return a->kind != OPERATION_FLUSH && b->kind != OPERATION_FLUSH;
}

uint64_t survivors_key(uint64_t key, const struct survivor *survivors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        key = random_mix(key ^ random_mix(survivors[i].operation + 1));
        key = random_mix(key ^ random_mix(survivors[i].argument * 8 + survivors[i].survival + 1));
    }
    return key;
}

static bool sector_survived(const struct survivor *survivor, uint64_t sector)
{
    switch (survivor->survival) {
    case SURVIVED_WHOLE:
        return true;
    case SURVIVED_HEAD:
        return sector < survivor->argument;
    case SURVIVED_TAIL:
        return sector >= survivor->argument;
    case SURVIVED_SCATTER:
        return sector < SCATTER_BITS
                   ? survivor->argument >> sector & 1
                   : random_mix(survivor->argument + sector * UINT64_C(0x9e3779b97f4a7c15)) & 1;
    case SURVIVED_LENGTH:
        return false;
    }
    return false;
}

/* A memory file refuses nothing. */
static void check(int result, const struct error *error)
{
    if (result) {
        fprintf(stderr, "test support: %s\n", error->message);
        abort();
    }
}

static void extend(struct file *file, uint64_t end)
{
    struct error error;
    uint64_t size;

    check(file_get_size(file, &size, &error), &error);
    if (size < end)
        check(file_set_size(file, end, &error), &error);
}

static void zero_up_to(struct file *file, uint64_t start, uint64_t end)
{
    struct error error;

    extend(file, end);
    check(file_zero(file, start, end - start, &error), &error);
}

/* Writes the sectors [from, to) of the operation. */
static void write_sectors(struct file *file, const struct operation *operation, uint64_t from,
                          uint64_t to)
{
    uint64_t first = operation->offset / SECTOR_SIZE;
    uint64_t start = max_u64(operation->offset, (first + from) * SECTOR_SIZE);
    uint64_t end = min_u64(operation->offset + operation->size, (first + to) * SECTOR_SIZE);
    struct error error;

    if (operation->bytes)
        check(file_write(file, start, operation->bytes + (start - operation->offset),
                         (size_t)(end - start), &error),
              &error);
    else
        zero_up_to(file, start, end);
}

static void apply_write(struct file *file, const struct operation *operation,
                        const struct survivor *survivor)
{
    uint64_t sectors = operation_sectors(operation);

    if (survivor->survival == SURVIVED_LENGTH)
        extend(file, operation->offset + operation->size);
    for (uint64_t from = 0, to; from < sectors; from = to) {
        for (to = from; to < sectors && sector_survived(survivor, to);)
            to++;
        if (to > from)
            write_sectors(file, operation, from, to);
        else
            to++;
    }
}

void operation_apply_side(struct file *file, const struct operation *operation)
{
    struct file *side = NULL;
    struct error error;

    if (operation->kind == OPERATION_CREATE_SIDE)
        check(file_open_side(file, true, &side, &error), &error);
    else
        check(file_remove_side(file, &error), &error);
    file_close(side);
}

void survivors_apply(struct file *file, const struct trace *trace, const struct survivor *survivors,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct operation *operation = &trace->operations[survivors[i].operation];
        struct file *target = operation->is_side ? memory_file_side(file) : file;
        struct error error;

        if (operation->kind == OPERATION_WRITE)
            apply_write(target, operation, &survivors[i]);
        else if (operation->kind == OPERATION_SET_SIZE)
            check(file_set_size(target, operation->size, &error), &error);
    }
}
