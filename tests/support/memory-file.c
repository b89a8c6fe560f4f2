#include "tests/support/memory-file.h"

#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "image-format/file.h"
#include "tests/support/lent-file.h"
#include "tests/support/must.h"

struct page {
    size_t owners; /* files that refer to it; to be written by the only one */
    uint8_t bytes[MEMORY_FILE_PAGE_SIZE];
};

struct entry {
    uint64_t index; /* of the page within the file */
    struct page *page;
};

/* Invariant: bytes of a page beyond the file's size are zeros, and no page begins there. */
struct memory_file {
    struct file file;
    uint64_t size;       /* bytes */
    uint64_t free_space; /* bytes */
    struct entry *entries;
    size_t count, capacity; /* of entries, which ascend by index */
    struct file *side;      /* a memory file, or NULL */
};

static const struct file_operations memory_file_operations;

static const struct memory_file *as_memory_file(const struct file *file)
{
    if (file->operations != &memory_file_operations) {
        fputs("test support: this is no memory file\n", stderr);
        abort();
    }
    return (const struct memory_file *)file;
}

/* The first entry whose page index is at least index. */
static size_t lower_bound(const struct memory_file *memory, uint64_t index)
{
    size_t low = 0, high = memory->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (memory->entries[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct page *find_page(const struct memory_file *memory, uint64_t index)
{
    size_t at = lower_bound(memory, index);

    return at < memory->count && memory->entries[at].index == index ? memory->entries[at].page
                                                                    : NULL;
}

static void release_page(struct page *page)
{
    if (--page->owners == 0)
        free(page);
}

static void insert_page(struct memory_file *memory, uint64_t index, struct page *page)
{
    size_t at = lower_bound(memory, index);

    if (memory->count == memory->capacity) {
        memory->capacity = memory->capacity * 2 + 16;
        memory->entries = must_resize(memory->entries, memory->capacity, sizeof *memory->entries);
    }
    memmove(memory->entries + at + 1, memory->entries + at,
            (memory->count - at) * sizeof *memory->entries);
    memory->entries[at] = (struct entry){index, page};
    memory->count++;
}

/* The page at index, for writing: made where absent, copied where shared. */
static struct page *own_page(struct memory_file *memory, uint64_t index)
{
    size_t at = lower_bound(memory, index);
    struct page *page, *shared;

    if (at == memory->count || memory->entries[at].index != index) {
        page = must_allocate(sizeof *page);
        page->owners = 1;
        insert_page(memory, index, page);
        return page;
    }
    shared = memory->entries[at].page;
    if (shared->owners == 1)
        return shared;
    page = must_have(malloc(sizeof *page));
    memcpy(page, shared, sizeof *page);
    page->owners = 1;
    release_page(shared);
    memory->entries[at].page = page;
    return page;
}

static int memory_read(struct file *file, uint64_t offset, void *buffer, size_t size,
                       struct error *error)
{
    struct memory_file *memory = (struct memory_file *)file;
    uint8_t *to = buffer;

    (void)error;
    while (size > 0) {
        size_t within = (size_t)(offset % MEMORY_FILE_PAGE_SIZE);
        size_t piece = (size_t)min_u64(size, MEMORY_FILE_PAGE_SIZE - within);
        const struct page *page = find_page(memory, offset / MEMORY_FILE_PAGE_SIZE);

        if (page)
            memcpy(to, page->bytes + within, piece);
        else
            memset(to, 0, piece);
        to += piece;
        offset += piece;
        size -= piece;
    }
    return 0;
}

static int memory_write(struct file *file, uint64_t offset, const void *buffer, size_t size,
                        struct error *error)
{
    struct memory_file *memory = (struct memory_file *)file;
    const uint8_t *from = buffer;

    (void)error;
    memory->size = max_u64(memory->size, offset + size);
    while (size > 0) {
        size_t within = (size_t)(offset % MEMORY_FILE_PAGE_SIZE);
        size_t piece = (size_t)min_u64(size, MEMORY_FILE_PAGE_SIZE - within);
        uint64_t index = offset / MEMORY_FILE_PAGE_SIZE;

        if (!bytes_are_zero(from, piece) || find_page(memory, index))
            memcpy(own_page(memory, index)->bytes + within, from, piece);
        from += piece;
        offset += piece;
        size -= piece;
    }
    return 0;
}

static int memory_get_size(struct file *file, uint64_t *ret_size, struct error *error)
{
    (void)error;
    *ret_size = ((struct memory_file *)file)->size;
    return 0;
}

static int memory_set_size(struct file *file, uint64_t size, struct error *error)
{
    struct memory_file *memory = (struct memory_file *)file;
    uint64_t index = size / MEMORY_FILE_PAGE_SIZE;
    size_t within = (size_t)(size % MEMORY_FILE_PAGE_SIZE);

    (void)error;
    while (memory->count > 0 &&
           memory->entries[memory->count - 1].index >= divide_up(size, MEMORY_FILE_PAGE_SIZE))
        release_page(memory->entries[--memory->count].page);
    if (size < memory->size && within > 0 && find_page(memory, index))
        memset(own_page(memory, index)->bytes + within, 0, MEMORY_FILE_PAGE_SIZE - within);
    memory->size = size;
    return 0;
}

static int memory_flush(struct file *file, struct error *error)
{
    (void)file;
    (void)error;
    return 0;
}

static int memory_next_data(struct file *file, uint64_t offset, uint64_t *ret_offset,
                            struct error *error)
{
    struct memory_file *memory = (struct memory_file *)file;
    size_t at = lower_bound(memory, offset / MEMORY_FILE_PAGE_SIZE);

    (void)error;
    *ret_offset = memory->size;
    if (at < memory->count)
        *ret_offset = min_u64(memory->size,
                              max_u64(offset, memory->entries[at].index * MEMORY_FILE_PAGE_SIZE));
    return 0;
}

/* Whole pages are given up; the rest is written. */
static int memory_zero(struct file *file, uint64_t offset, uint64_t size, struct error *error)
{
    struct memory_file *memory = (struct memory_file *)file;
    uint64_t from = divide_up(offset, MEMORY_FILE_PAGE_SIZE);
    uint64_t to = (offset + size) / MEMORY_FILE_PAGE_SIZE;
    size_t first, end;

    if (from >= to)
        return file_write_zeros(file, offset, size, error);
    first = lower_bound(memory, from);
    end = lower_bound(memory, to);
    for (size_t i = first; i < end; i++)
        release_page(memory->entries[i].page);
    memmove(memory->entries + first, memory->entries + end,
            (memory->count - end) * sizeof *memory->entries);
    memory->count -= end - first;
    return file_write_zeros(file, offset, from * MEMORY_FILE_PAGE_SIZE - offset, error) ||
                   file_write_zeros(file, to * MEMORY_FILE_PAGE_SIZE,
                                    offset + size - to * MEMORY_FILE_PAGE_SIZE, error)
               ? -1
               : 0;
}

static int memory_next_hole(struct file *file, uint64_t offset, uint64_t *ret_offset,
                            struct error *error)
{
    struct memory_file *memory = (struct memory_file *)file;
    uint64_t index = offset / MEMORY_FILE_PAGE_SIZE;
    size_t at = lower_bound(memory, index);

    (void)error;
    for (; at < memory->count && memory->entries[at].index == index; at++, index++)
        offset = (index + 1) * MEMORY_FILE_PAGE_SIZE;
    *ret_offset = min_u64(memory->size, offset);
    return 0;
}

static int memory_open_side(struct file *file, bool create, struct file **ret_side,
                            struct error *error)
{
    struct memory_file *memory = (struct memory_file *)file;

    if (create && memory->side)
        return error_set(error, ERROR_SYSTEM, "the side file exists already");
    if (create)
        memory->side = memory_file_new(0);
    if (memory->side)
        memory->side->writable = file->writable;
    *ret_side = memory->side ? lent_file_new(memory->side) : NULL;
    return 0;
}

static int memory_remove_side(struct file *file, struct error *error)
{
    struct memory_file *memory = (struct memory_file *)file;

    if (!memory->side)
        return error_set(error, ERROR_SYSTEM, "there is no side file");
    file_close(memory->side);
    memory->side = NULL;
    return 0;
}

static int memory_host_facts(struct file *file, struct file_host_facts *ret_facts,
                             struct error *error)
{
    (void)error;
    *ret_facts = (struct file_host_facts){
        .allocated_size = memory_file_stored_size(file),
        .free_space = ((struct memory_file *)file)->free_space,
    };
    return 0;
}

static void memory_close(struct file *file)
{
    struct memory_file *memory = (struct memory_file *)file;

    for (size_t i = 0; i < memory->count; i++)
        release_page(memory->entries[i].page);
    file_close(memory->side);
    free(memory->entries);
    free(memory->file.name);
    free(memory);
}

static const struct file_operations memory_file_operations = {
    .read = memory_read,
    .write = memory_write,
    .get_size = memory_get_size,
    .set_size = memory_set_size,
    .flush = memory_flush,
    .lock = memory_flush,
    .next_data = memory_next_data,
    .next_hole = memory_next_hole,
    .zero = memory_zero,
    .punch = memory_zero,
    .open_side = memory_open_side,
    .remove_side = memory_remove_side,
    .host_facts = memory_host_facts,
    .close = memory_close,
};

struct file *memory_file_new(uint64_t size)
{
    struct memory_file *memory = must_allocate(sizeof *memory);

    memory->file.operations = &memory_file_operations;
    memory->file.name = must_have(strdup("file in memory"));
    memory->file.writable = true;
    memory->size = size;
    memory->free_space = UINT64_C(1) << 60;
    return &memory->file;
}

struct file *memory_file_snapshot(const struct file *file)
{
    const struct memory_file *from = as_memory_file(file);
    struct memory_file *to = (struct memory_file *)memory_file_new(from->size);

    to->free_space = from->free_space;
    to->entries = must_resize(NULL, from->count, sizeof *to->entries);
    to->count = to->capacity = from->count;
    for (size_t i = 0; i < from->count; i++) {
        to->entries[i] = from->entries[i];
        to->entries[i].page->owners++;
    }
    if (from->side)
        to->side = memory_file_snapshot(from->side);
    return &to->file;
}

static uint64_t first_difference(const struct page *a, const struct page *b)
{
    uint64_t at = 0;

    while (at < MEMORY_FILE_PAGE_SIZE && (a ? a->bytes[at] : 0) == (b ? b->bytes[at] : 0))
        at++;
    return at;
}

uint64_t memory_file_difference(const struct file *a, const struct file *b)
{
    const struct memory_file *left = as_memory_file(a), *right = as_memory_file(b);
    uint64_t end = min_u64(left->size, right->size);

    for (size_t i = 0, j = 0; i < left->count || j < right->count;) {
        uint64_t left_index = i < left->count ? left->entries[i].index : UINT64_MAX;
        uint64_t right_index = j < right->count ? right->entries[j].index : UINT64_MAX;
        uint64_t index = min_u64(left_index, right_index);
        const struct page *p = left_index == index ? left->entries[i++].page : NULL;
        const struct page *q = right_index == index ? right->entries[j++].page : NULL;
        uint64_t at = p == q || (p && q && !memcmp(p->bytes, q->bytes, sizeof p->bytes))
                          ? MEMORY_FILE_PAGE_SIZE
                          : first_difference(p, q);

        if (at < MEMORY_FILE_PAGE_SIZE)
            return min_u64(end, index * MEMORY_FILE_PAGE_SIZE + at);
    }
    return end;
}

bool memory_file_equal(const struct file *a, const struct file *b)
{
    const struct memory_file *left = as_memory_file(a), *right = as_memory_file(b);

    if (left->side && right->side && !memory_file_equal(left->side, right->side))
        return false;
    return left->size == right->size && !left->side == !right->side &&
           memory_file_difference(a, b) == left->size;
}

uint64_t memory_file_stored_size(const struct file *file)
{
    return as_memory_file(file)->count * MEMORY_FILE_PAGE_SIZE;
}

void memory_file_set_free_space(struct file *file, uint64_t bytes)
{
    as_memory_file(file);
    ((struct memory_file *)file)->free_space = bytes;
}

struct file *memory_file_side(const struct file *file)
{
    return as_memory_file(file)->side;
}
