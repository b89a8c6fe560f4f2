#include "ext4/tree-data.h"

#include <string.h>

#include "base/checked.h"

/* The buffer holds the file's bytes [start, start + fill); start is a block's first byte. */
struct copy {
    struct tree_space *space;
    struct tree_extents *extents;
    uint8_t *buffer;
    uint64_t start, fill; /* bytes */
};

/* Writes the buffer out, its last block filled up with zeros. */
static int flush(struct copy *copy, struct error *error)
{
    uint64_t block_size = copy->space->fs->blocksize;
    uint64_t size = round_up(copy->fill, block_size);
    uint64_t logical = copy->start / block_size;
    uint64_t blocks = size / block_size;
    const uint8_t *from = copy->buffer;

    memset(copy->buffer + copy->fill, 0, (size_t)(size - copy->fill));
    while (blocks > 0) {
        blk64_t physical;
        uint64_t count;

        if (tree_space_take(copy->space, blocks, &physical, &count, error) ||
            tree_space_write(copy->space, physical, count, from, error) ||
            tree_extents_append(copy->extents, logical, physical, count, error))
            return -1;
        logical += count;
        blocks -= count;
        from += count * block_size;
    }
    copy->start += size;
    copy->fill = 0;
    return 0;
}

/* Moves on to offset: over blocks without data, or by zeros within the last block. */
static int skip_to(struct copy *copy, uint64_t offset, struct error *error)
{
    uint64_t block_size = copy->space->fs->blocksize;
    uint64_t end = copy->start + copy->fill;

    if (offset >= round_up(end, block_size)) {
        if (flush(copy, error))
            return -1;
        copy->start = round_down(offset, block_size);
        end = copy->start;
    }
    memset(copy->buffer + (end - copy->start), 0, (size_t)(offset - end));
    copy->fill = offset - copy->start;
    return 0;
}

static int add_piece(struct copy *copy, const uint8_t *bytes, uint64_t size, uint64_t offset,
                     struct error *error)
{
    if (offset < copy->start + copy->fill)
        return error_set(error, ERROR_CORRUPT, "the data isn't in ascending order");
    if (skip_to(copy, offset, error))
        return -1;
    while (size > 0) {
        uint64_t part = min_u64(size, TREE_DATA_BUFFER_SIZE - copy->fill);

        memcpy(copy->buffer + copy->fill, bytes, (size_t)part);
        copy->fill += part;
        bytes += part;
        size -= part;
        if (copy->fill == TREE_DATA_BUFFER_SIZE && flush(copy, error))
            return -1;
    }
    return 0;
}

int tree_data_copy(struct tree_data *data, uint64_t size, uint8_t *buffer, struct tree_space *space,
                   struct tree_extents *ret_extents, struct error *error)
{
    struct copy copy = {.space = space, .extents = ret_extents, .buffer = buffer};

    for (;;) {
        const void *bytes;
        size_t piece_size;
        uint64_t offset;
        int result = data->next(data, &bytes, &piece_size, &offset, error);

        if (result < 0)
            return -1;
        if (result == 0)
            return flush(&copy, error);
        if (offset < size &&
            add_piece(&copy, bytes, min_u64(piece_size, size - offset), offset, error))
            return -1;
    }
}
