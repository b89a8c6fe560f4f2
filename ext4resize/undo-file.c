#include "ext4resize/undo-file.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4resize/undo-log.h"
#include "image-format/file.h"

#define HELD_MOST (8 * MIB)  /* bytes held back */
#define PIECE_SIZE (1 * MIB) /* of what is read to be saved; whole blocks */
#define PAGE_BLOCKS 32768    /* blocks whose marks lie together: 128 MiB of the file, in 4 KiB */

/* A write that is held back. */
struct held_write {
    uint64_t offset; /* bytes */
    size_t size;
    uint8_t *contents;
};

struct undo_file {
    struct file file;
    struct file *below;
    struct undo_log *log;
    uint64_t old_size, size; /* bytes; size: with what is held back */
    uint8_t **saved;         /* a bit for each block of the old file; NULL: none of the page's */
    struct held_write *held;
    size_t held_count, held_capacity;
    uint64_t held_size; /* bytes */
    bool failed;        /* a write that the caller takes for done is lost */
    bool changed;
};

static struct undo_file *undo_of(struct file *file)
{
    return (struct undo_file *)file;
}

static int check_usable(const struct undo_file *undo, struct error *error)
{
    return undo->failed ? error_set(error, ERROR_SYSTEM, "an earlier write failed") : 0;
}

static bool is_saved(const struct undo_file *undo, uint64_t block)
{
    const uint8_t *page = undo->saved[block / PAGE_BLOCKS];

    return page && page[block % PAGE_BLOCKS / 8] >> block % 8 & 1;
}

static int mark_saved(struct undo_file *undo, uint64_t block, struct error *error)
{
    uint8_t **page = &undo->saved[block / PAGE_BLOCKS];

    if (!*page)
        *page = calloc(1, PAGE_BLOCKS / 8);
    if (!*page)
        return error_set_no_memory(error);
    (*page)[block % PAGE_BLOCKS / 8] |= (uint8_t)(1 << block % 8);
    return 0;
}

/* What the file held at first: what was cut off since, without being saved, was a hole. */
static int read_old(struct undo_file *undo, uint64_t offset, uint8_t *contents, size_t size,
                    struct error *error)
{
    uint64_t present;

    if (file_get_size(undo->below, &present, error))
        return -1;
    memset(contents, 0, size);
    if (offset >= present)
        return 0;
    return file_read(undo->below, offset, contents, (size_t)min_u64(size, present - offset), error);
}

/* Saves [offset, end), which begins with a block and has none that is saved. No write to it is held
 * back, since that would have saved it. */
static int save_run(struct undo_file *undo, uint64_t offset, uint64_t end, struct error *error)
{
    CLEANUP_FREE uint8_t *piece = malloc((size_t)min_u64(end - offset, PIECE_SIZE));

    if (!piece)
        return error_set_no_memory(error);
    while (offset < end) {
        size_t size = (size_t)min_u64(end - offset, PIECE_SIZE);
        uint64_t block = offset / UNDO_BLOCK_SIZE;

        if (read_old(undo, offset, piece, size, error) ||
            undo_log_add(undo->log, block, piece, size, error))
            return -1;
        for (uint64_t i = block; i * UNDO_BLOCK_SIZE < offset + size; i++) {
            if (mark_saved(undo, i, error))
                return -1;
        }
        offset += size;
    }
    return 0;
}

/* Saves what the old file has in a range and isn't saved yet. */
static int save(struct undo_file *undo, uint64_t offset, uint64_t size, struct error *error)
{
    uint64_t block = offset / UNDO_BLOCK_SIZE;
    uint64_t end = divide_up(min_u64(offset + size, undo->old_size), UNDO_BLOCK_SIZE);

    while (block < end) {
        uint64_t first = block;

        while (block < end && !is_saved(undo, block))
            block++;
        if (block > first && save_run(undo, first * UNDO_BLOCK_SIZE,
                                      min_u64(block * UNDO_BLOCK_SIZE, undo->old_size), error))
            return -1;
        while (block < end && is_saved(undo, block))
            block++;
    }
    return 0;
}

/* Makes what is saved durable. */
static int save_log(struct undo_file *undo, bool finished, struct error *error)
{
    uint8_t super[UNDO_SUPER_SIZE] = {0};
    uint64_t size;

    if (file_get_size(undo->below, &size, error) ||
        (size >= UNDO_SUPER_OFFSET + sizeof super &&
         file_read(undo->below, UNDO_SUPER_OFFSET, super, sizeof super, error)))
        return -1;
    return undo_log_save(undo->log, super, finished, error);
}

static void drop_held(struct undo_file *undo)
{
    for (size_t i = 0; i < undo->held_count; i++)
        free(undo->held[i].contents);
    undo->held_count = 0;
    undo->held_size = 0;
}

static int write_held(struct undo_file *undo, struct error *error)
{
    for (size_t i = 0; i < undo->held_count; i++) {
        const struct held_write *held = &undo->held[i];

        if (file_write(undo->below, held->offset, held->contents, held->size, error))
            return -1;
    }
    return 0;
}

/* Lets everything through: afterwards the file below is as the caller believes, and what it held
 * is in the undo file. */
static int let_through(struct undo_file *undo, struct error *error)
{
    if (check_usable(undo, error))
        return -1;
    undo->changed = true;
    if (save_log(undo, false, error) || write_held(undo, error))
        undo->failed = true;
    drop_held(undo);
    return undo->failed ? -1 : 0;
}

static int let_through_held(struct undo_file *undo, struct error *error)
{
    return undo->held_count > 0 ? let_through(undo, error) : check_usable(undo, error);
}

static int hold(struct undo_file *undo, uint64_t offset, const void *buffer, size_t size,
                struct error *error)
{
    struct held_write *larger =
        array_make_room(undo->held, undo->held_count, &undo->held_capacity, sizeof *larger, error);
    uint8_t *contents = larger ? malloc(size) : NULL;

    if (larger)
        undo->held = larger;
    if (!contents)
        return error_set_no_memory(error);
    memcpy(contents, buffer, size);
    undo->held[undo->held_count++] = (struct held_write){offset, size, contents};
    undo->held_size += size;
    undo->size = max_u64(undo->size, offset + size);
    return 0;
}

static int undo_write(struct file *file, uint64_t offset, const void *buffer, size_t size,
                      struct error *error)
{
    struct undo_file *undo = undo_of(file);

    if (check_usable(undo, error) || save(undo, offset, size, error) ||
        hold(undo, offset, buffer, size, error))
        return -1;
    return undo->held_size > HELD_MOST ? let_through(undo, error) : 0;
}

static bool is_held(const struct undo_file *undo, uint64_t offset, uint64_t size)
{
    for (size_t i = 0; i < undo->held_count; i++) {
        const struct held_write *held = &undo->held[i];

        if (held->offset < offset + size && offset < held->offset + held->size)
            return true;
    }
    return undo->held_count > 0 && offset + size > undo->old_size;
}

static int undo_read(struct file *file, uint64_t offset, void *buffer, size_t size,
                     struct error *error)
{
    struct undo_file *undo = undo_of(file);

    if (is_held(undo, offset, size) && let_through(undo, error))
        return -1;
    return file_read(undo->below, offset, buffer, size, error);
}

static int undo_get_size(struct file *file, uint64_t *ret_size, struct error *error)
{
    (void)error;
    *ret_size = undo_of(file)->size;
    return 0;
}

/* Saves what is cut off, without its holes; and the last block, from which the file's length
 * follows when it is restored. */
static int save_tail(struct undo_file *undo, uint64_t from, struct error *error)
{
    uint64_t offset = from, end = min_u64(undo->size, undo->old_size);

    while (offset < end) {
        uint64_t data;

        if (file_next_data(undo->below, offset, &data, error))
            return -1;
        if (data >= end)
            break;
        if (save(undo, data, min_u64(PIECE_SIZE, end - data), error))
            return -1;
        offset = data + PIECE_SIZE;
    }
    return from < end ? save(undo, end - 1, 1, error) : 0;
}

static int undo_set_size(struct file *file, uint64_t size, struct error *error)
{
    struct undo_file *undo = undo_of(file);

    if (let_through_held(undo, error) || save_tail(undo, size, error) || let_through(undo, error) ||
        file_set_size(undo->below, size, error))
        return -1;
    undo->size = size;
    return 0;
}

static int undo_zero(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    struct undo_file *undo = undo_of(file);

    if (save(undo, offset, size, error) || let_through(undo, error))
        return -1;
    return file_zero(undo->below, offset, size, error);
}

static int undo_flush(struct file *file, struct error *error)
{
    struct undo_file *undo = undo_of(file);

    return let_through_held(undo, error) ? -1 : file_flush(undo->below, error);
}

static int undo_lock(struct file *file, struct error *error)
{
    return file_lock(undo_of(file)->below, error);
}

static int undo_next_data(struct file *file, uint64_t offset, uint64_t *ret_offset,
                          struct error *error)
{
    struct undo_file *undo = undo_of(file);

    return let_through_held(undo, error) ? -1
                                         : file_next_data(undo->below, offset, ret_offset, error);
}

static int undo_next_hole(struct file *file, uint64_t offset, uint64_t *ret_offset,
                          struct error *error)
{
    struct undo_file *undo = undo_of(file);

    return let_through_held(undo, error) ? -1
                                         : file_next_hole(undo->below, offset, ret_offset, error);
}

static int undo_open_side(struct file *file, bool create, struct file **ret_side,
                          struct error *error)
{
    return file_open_side(undo_of(file)->below, create, ret_side, error);
}

static int undo_remove_side(struct file *file, struct error *error)
{
    return file_remove_side(undo_of(file)->below, error);
}

static int undo_host_facts(struct file *file, struct file_host_facts *ret_facts,
                           struct error *error)
{
    return file_host_facts(undo_of(file)->below, ret_facts, error);
}

static void undo_close(struct file *file)
{
    struct undo_file *undo = undo_of(file);
    struct error ignored;

    if (undo->held_count > 0)
        (void)let_through(undo, &ignored);
    for (uint64_t i = 0; undo->saved && i * PAGE_BLOCKS * UNDO_BLOCK_SIZE < undo->old_size; i++)
        free(undo->saved[i]);
    free(undo->saved);
    free(undo->held);
    undo_log_free(undo->log);
    file_close(undo->below);
    free(undo);
}

static const struct file_operations undo_operations = {
    .read = undo_read,
    .write = undo_write,
    .get_size = undo_get_size,
    .set_size = undo_set_size,
    .flush = undo_flush,
    .lock = undo_lock,
    .next_data = undo_next_data,
    .next_hole = undo_next_hole,
    .zero = undo_zero,
    .open_side = undo_open_side,
    .remove_side = undo_remove_side,
    .host_facts = undo_host_facts,
    .close = undo_close,
};

struct file *undo_file_new(struct file *below, const char *path, struct error *error)
{
    struct undo_file *undo = calloc(1, sizeof *undo);

    if (!undo) {
        file_close(below);
        error_set_no_memory(error);
        return NULL;
    }
    undo->file = (struct file){
        .operations = &undo_operations, .name = below->name, .writable = below->writable};
    undo->below = below;
    if (file_get_size(below, &undo->old_size, error) ||
        !(undo->log = undo_log_create(path, error))) {
        undo_close(&undo->file);
        return NULL;
    }
    undo->size = undo->old_size;
    undo->saved = calloc(undo->old_size / UNDO_BLOCK_SIZE / PAGE_BLOCKS + 1, sizeof *undo->saved);
    if (!undo->saved) {
        undo_close(&undo->file);
        error_set_no_memory(error);
        return NULL;
    }
    return &undo->file;
}

int undo_file_finish(struct file *file, struct error *error)
{
    struct undo_file *undo = undo_of(file);

    if (let_through_held(undo, error) || (undo->changed && save_log(undo, true, error)))
        return -1;
    return file_flush(undo->below, error);
}

int undo_file_check_space(struct file *file, uint64_t size, struct error *error)
{
    return undo_log_check_space(undo_of(file)->log, size, error);
}

uint64_t undo_file_old_size(const struct file *file)
{
    return ((const struct undo_file *)file)->old_size;
}
