/*
 * One channel is one open filesystem's way to the disk. It holds nothing but
 * the block size and a count: no cache, because libext2fs keeps the inode
 * blocks it works on itself, and the disk's transaction is the write-behind.
 *
 * A range that the disk doesn't have is the filesystem's mistake (a block
 * number that leads astray), and becomes a short read or write; whatever the
 * disk itself reports goes into first_error.
 */
#include "ext4/io.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "ext4/space.h"
#include "image-format/disk.h"

#define NAME_PREFIX "ext4-io:"

struct channel {
    struct struct_io_channel base;
    struct struct_io_stats stats;
    struct ext4_io *io;
};

void ext4_io_name(const struct ext4_io *io, char name[EXT4_IO_NAME_SIZE])
{
    snprintf(name, EXT4_IO_NAME_SIZE, NAME_PREFIX "%016" PRIx64, (uint64_t)(uintptr_t)io);
}

/* The io that name was made from; NULL for any other text. */
static struct ext4_io *parse_name(const char *name)
{
    const size_t prefix_size = strlen(NAME_PREFIX);
    uint64_t value = 0;

    if (strncmp(name, NAME_PREFIX, prefix_size) != 0 || strlen(name) != prefix_size + 16)
        return NULL;
    for (const char *p = name + prefix_size; *p; p++) {
        if (*p >= '0' && *p <= '9')
            value = value << 4 | (uint64_t)(*p - '0');
        else if (*p >= 'a' && *p <= 'f')
            value = value << 4 | (uint64_t)(*p - 'a' + 10);
        else
            return NULL;
    }
    return value <= UINTPTR_MAX ? (struct ext4_io *)(uintptr_t)value : NULL;
}

static errcode_t channel_open(const char *name, int flags, io_channel *ret_channel)
{
    struct ext4_io *io = name ? parse_name(name) : NULL;
    struct channel *channel;

    (void)flags;
    if (!io)
        return EXT2_ET_BAD_DEVICE_NAME;
    channel = calloc(1, sizeof *channel);
    if (!channel)
        return EXT2_ET_NO_MEMORY;
    channel->base.name = strdup(name);
    if (!channel->base.name) {
        free(channel);
        return EXT2_ET_NO_MEMORY;
    }
    channel->base.magic = EXT2_ET_MAGIC_IO_CHANNEL;
    channel->base.manager = &ext4_io_manager;
    channel->base.block_size = 1024;
    channel->base.refcount = 1;
    channel->stats.num_fields = 2;
    channel->io = io;
    *ret_channel = &channel->base;
    return 0;
}

static errcode_t channel_close(io_channel base)
{
    if (--base->refcount > 0)
        return 0;
    free(base->name);
    free((struct channel *)base);
    return 0;
}

static errcode_t channel_set_blksize(io_channel base, int block_size)
{
    if (block_size <= 0)
        return EXT2_ET_INVALID_ARGUMENT;
    base->block_size = block_size;
    return 0;
}

/* Keeps what the disk said, if nothing was kept before. */
static errcode_t disk_failed(struct ext4_io *io, const struct error *error)
{
    if (io->first_error.kind == ERROR_NONE)
        io->first_error = *error;
    return EIO;
}

/* Where count blocks from block on lie, in bytes (a negative count is bytes already); false when
 * the disk ends before. */
static bool find_range(const struct channel *channel, uint64_t block, int64_t count,
                       uint64_t *ret_offset, uint64_t *ret_size)
{
    uint64_t block_size = (uint64_t)channel->base.block_size;

    if (count < 0)
        *ret_size = (uint64_t)-count;
    else if (!checked_multiply((uint64_t)count, block_size, ret_size))
        return false;
    return checked_multiply(block, block_size, ret_offset) &&
           range_fits(*ret_offset, *ret_size, channel->io->disk->size);
}

static errcode_t channel_read_blk64(io_channel base, unsigned long long block, int count,
                                    void *data)
{
    struct channel *channel = (struct channel *)base;
    struct error error = {0};
    uint64_t offset, size;

    if (!find_range(channel, block, count, &offset, &size))
        return EXT2_ET_SHORT_READ;
    if (disk_read(channel->io->disk, offset, data, (size_t)size, &error))
        return disk_failed(channel->io, &error);
    channel->stats.bytes_read += size;
    return 0;
}

/* How many bytes from offset on, of size, are alike in whether the committed filesystem uses them.
 */
static uint64_t alike_size(const struct ext4_io *io, uint64_t offset, uint64_t size, bool *ret_used)
{
    *ret_used = offset < io->committed_size;
    if (!*ret_used)
        return size;
    size = min_u64(size, io->committed_size - offset);
    return io->space ? ext4_space_alike(io->space, offset, size, ret_used) : size;
}

int ext4_io_write(struct ext4_io *io, uint64_t offset, const void *data, uint64_t size,
                  struct error *error)
{
    while (size > 0) {
        bool used;
        uint64_t part = alike_size(io, offset, size, &used);

        if ((used ? disk_write : disk_write_unreferenced)(io->disk, offset, data, (size_t)part,
                                                          error))
            return -1;
        offset += part;
        data = (const char *)data + part;
        size -= part;
    }
    return 0;
}

int ext4_io_zero(struct ext4_io *io, uint64_t offset, uint64_t size, struct error *error)
{
    while (size > 0) {
        bool used;
        uint64_t part = alike_size(io, offset, size, &used);

        if ((used ? disk_zero : disk_zero_unreferenced)(io->disk, offset, part, error))
            return -1;
        offset += part;
        size -= part;
    }
    return 0;
}

static errcode_t write_range(struct channel *channel, uint64_t offset, const void *data,
                             uint64_t size)
{
    struct error error = {0};

    channel->stats.bytes_written += size;
    return ext4_io_write(channel->io, offset, data, size, &error) ? disk_failed(channel->io, &error)
                                                                  : 0;
}

static errcode_t channel_write_blk64(io_channel base, unsigned long long block, int count,
                                     const void *data)
{
    struct channel *channel = (struct channel *)base;
    uint64_t offset, size;

    if (!find_range(channel, block, count, &offset, &size))
        return EXT2_ET_SHORT_WRITE;
    return write_range(channel, offset, data, size);
}

static errcode_t channel_read_blk(io_channel base, unsigned long block, int count, void *data)
{
    return channel_read_blk64(base, block, count, data);
}

static errcode_t channel_write_blk(io_channel base, unsigned long block, int count,
                                   const void *data)
{
    return channel_write_blk64(base, block, count, data);
}

static errcode_t channel_write_byte(io_channel base, unsigned long offset, int count,
                                    const void *data)
{
    struct channel *channel = (struct channel *)base;

    if (count < 0 || !range_fits(offset, (uint64_t)count, channel->io->disk->size))
        return EXT2_ET_SHORT_WRITE;
    return write_range(channel, offset, data, (uint64_t)count);
}

static errcode_t channel_flush(io_channel base)
{
    (void)base; /* durable is what the commit makes durable */
    return 0;
}

static errcode_t channel_get_stats(io_channel base, io_stats *ret_stats)
{
    if (ret_stats)
        *ret_stats = &((struct channel *)base)->stats;
    return 0;
}

static errcode_t channel_discard(io_channel base, unsigned long long block,
                                 unsigned long long count)
{
    (void)base;
    (void)block;
    (void)count;
    return EXT2_ET_UNIMPLEMENTED;
}

static errcode_t channel_zeroout(io_channel base, unsigned long long block,
                                 unsigned long long count)
{
    struct channel *channel = (struct channel *)base;
    struct error error = {0};
    uint64_t offset, size;

    if (count > INT64_MAX || !find_range(channel, block, (int64_t)count, &offset, &size))
        return EXT2_ET_SHORT_WRITE;
    if (ext4_io_zero(channel->io, offset, size, &error))
        return disk_failed(channel->io, &error);
    return 0;
}

struct struct_io_manager ext4_io_manager = {
    .magic = EXT2_ET_MAGIC_IO_MANAGER,
    .name = "ext4 on a virtual disk",
    .open = channel_open,
    .close = channel_close,
    .set_blksize = channel_set_blksize,
    .read_blk = channel_read_blk,
    .write_blk = channel_write_blk,
    .flush = channel_flush,
    .write_byte = channel_write_byte,
    .get_stats = channel_get_stats,
    .read_blk64 = channel_read_blk64,
    .write_blk64 = channel_write_blk64,
    .discard = channel_discard,
    .zeroout = channel_zeroout,
};

int ext4_set_error(struct error *error, const struct ext4_io *io, errcode_t code,
                   const char *format, ...)
{
    char what[sizeof error->message];
    va_list arguments;

    if (io && io->first_error.kind != ERROR_NONE) {
        *error = io->first_error;
        return -1;
    }
    if (code == EXT2_ET_NO_MEMORY || code == ENOMEM)
        return error_set_no_memory(error);
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    initialize_ext2_error_table();
    return error_set(error, ERROR_CORRUPT, "%s: %s", what, error_message(code));
}

void ext4_close(ext2_filsys fs)
{
    if (fs)
        ext2fs_free(fs);
}
