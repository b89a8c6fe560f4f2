#define _GNU_SOURCE
#include "tests/support/memory-disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/must.h"

/* What a write has covered. */
struct old_bytes {
    struct old_bytes *before;
    uint64_t offset;
    size_t size;
    uint8_t bytes[];
};

struct memory_disk {
    struct disk base;
    uint8_t *bytes;
    struct old_bytes *last;
};

static struct memory_disk *of(struct disk *disk)
{
    return (struct memory_disk *)disk;
}

static int memory_read(struct disk *disk, uint64_t offset, void *buffer, size_t size,
                       struct error *error)
{
    (void)error;
    memcpy(buffer, of(disk)->bytes + offset, size);
    return 0;
}

static void keep_old(struct memory_disk *memory, uint64_t offset, size_t size)
{
    struct old_bytes *old = must_allocate(sizeof *old + size);

    old->before = memory->last;
    old->offset = offset;
    old->size = size;
    memcpy(old->bytes, memory->bytes + offset, size);
    memory->last = old;
}

static int memory_write(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
                        struct error *error)
{
    (void)error;
    keep_old(of(disk), offset, size);
    memcpy(of(disk)->bytes + offset, buffer, size);
    return 0;
}

static int memory_zero(struct disk *disk, uint64_t offset, uint64_t size, struct error *error)
{
    (void)error;
    keep_old(of(disk), offset, (size_t)size);
    memset(of(disk)->bytes + offset, 0, (size_t)size);
    return 0;
}

static int memory_begin(struct disk *disk, struct error *error)
{
    (void)disk;
    (void)error;
    return 0;
}

static void memory_abort(struct disk *disk)
{
    struct memory_disk *memory = of(disk);

    while (memory->last) {
        struct old_bytes *old = memory->last;

        memcpy(memory->bytes + old->offset, old->bytes, old->size);
        memory->last = old->before;
        free(old);
    }
}

static int memory_commit(struct disk *disk, struct error *error)
{
    (void)error;
    while (of(disk)->last) {
        struct old_bytes *old = of(disk)->last;

        of(disk)->last = old->before;
        free(old);
    }
    return 0;
}

static void memory_close(struct disk *disk)
{
    memory_commit(disk, NULL);
    free(of(disk)->bytes);
    free(of(disk));
}

static const struct disk_operations operations = {
    .read = memory_read,
    .begin = memory_begin,
    .write = memory_write,
    .write_unreferenced = memory_write,
    .zero = memory_zero,
    .zero_unreferenced = memory_zero,
    .commit = memory_commit,
    .abort = memory_abort,
    .close = memory_close,
};

int memory_disk_open(const char *path, struct disk **ret_disk, struct error *error)
{
    struct memory_disk *memory = must_allocate(sizeof *memory);
    FILE *file = fopen(path, "rb");

    memory->base.operations = &operations;
    memory->base.writable = true;
    if (!file || fseeko(file, 0, SEEK_END))
        return error_set_errno(error, errno, "can't open %s", path);
    memory->base.size = (uint64_t)ftello(file);
    rewind(file);
    memory->bytes = must_allocate((size_t)memory->base.size);
    if (fread(memory->bytes, 1, (size_t)memory->base.size, file) != memory->base.size)
        return error_set_errno(error, errno, "can't read %s", path);
    fclose(file);
    *ret_disk = &memory->base;
    return 0;
}

uint8_t *memory_disk_bytes(struct disk *disk)
{
    return of(disk)->bytes;
}

int memory_disk_save(struct disk *disk, const char *path, struct error *error)
{
    FILE *file = fopen(path, "wb");
    int result = 0;

    if (!file || fwrite(of(disk)->bytes, 1, (size_t)disk->size, file) != disk->size)
        result = error_set_errno(error, errno, "can't write %s", path);
    if (file && fclose(file))
        result = error_set_errno(error, errno, "can't write %s", path);
    return result;
}
