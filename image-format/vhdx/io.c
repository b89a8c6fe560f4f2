/*
 * Reading and changing what lies on the disk, block by block.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "image-format/vhdx/internal.h"

/* The part of a request that falls into one payload block. */
struct piece {
    uint64_t block;
    uint64_t index; /* of its BAT entry */
    uint64_t entry;
    uint64_t within; /* bytes from the block's start */
    uint64_t size;   /* bytes */
};

static int find_piece(struct vhdx *vhdx, uint64_t offset, uint64_t size, struct piece *ret_piece,
                      struct error *error)
{
    uint64_t block_size = vhdx->metadata.block_size;

    ret_piece->block = offset / block_size;
    ret_piece->index = vhdx_bat_index(ret_piece->block, vhdx->chunk_ratio);
    ret_piece->within = offset % block_size;
    ret_piece->size = min_u64(size, block_size - ret_piece->within);
    return vhdx_bat_get(vhdx, ret_piece->index, &ret_piece->entry, error);
}

static bool is_present(const struct piece *piece)
{
    return vhdx_entry_state(piece->entry) == VHDX_BLOCK_FULLY_PRESENT;
}

static bool is_fresh(const struct vhdx *vhdx, uint64_t block)
{
    return vhdx->fresh[block / 8] >> block % 8 & 1;
}

static void set_fresh(struct vhdx *vhdx, uint64_t block)
{
    vhdx->fresh[block / 8] |= (uint8_t)(1 << block % 8);
}

static bool is_readable(const struct piece *piece)
{
    enum vhdx_block_state state = vhdx_entry_state(piece->entry);

    return state != 4 && state != VHDX_BLOCK_PARTIALLY_PRESENT &&
           (state != VHDX_BLOCK_FULLY_PRESENT || vhdx_entry_offset(piece->entry) >= VHDX_UNIT);
}

static int check_readable(const struct vhdx *vhdx, const struct piece *piece, struct error *error)
{
    if (vhdx->metadata.has_parent)
        return error_set(error, ERROR_UNSUPPORTED,
                         "it is a differencing disk, and its parent can't be read yet");
    if (!is_readable(piece))
        return error_set(error, ERROR_CORRUPT,
                         "block %" PRIu64 " has the BAT entry 0x%" PRIx64
                         " (state 0, 1, 2, 3 or 6 and a place in the file expected)",
                         piece->block, piece->entry);
    return 0;
}

/* Reads from a place in the file; what the file lacks of the last block of the committed disk is
 * zeros. */
static int read_place(struct vhdx *vhdx, const struct piece *piece, uint64_t within, void *buffer,
                      size_t size, struct error *error)
{
    uint64_t place = vhdx_entry_offset(piece->entry) + within;
    uint64_t last_block = (vhdx->metadata.virtual_size - 1) / vhdx->metadata.block_size;
    uint64_t file_size, there = 0;

    if (file_get_size(vhdx->file, &file_size, error))
        return -1;
    if (piece->block >= last_block || is_fresh(vhdx, piece->block))
        there = place < file_size ? min_u64(size, file_size - place) : 0;
    else
        there = size;
    memset((uint8_t *)buffer + there, 0, size - (size_t)there);
    return file_read(vhdx->file, place, buffer, (size_t)there, error);
}

int vhdx_read(struct disk *disk, uint64_t offset, void *buffer, size_t size, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    uint8_t *to = buffer;

    while (size > 0) {
        struct piece piece;

        if (find_piece(vhdx, offset, size, &piece, error) || check_readable(vhdx, &piece, error))
            return -1;
        if (!is_present(&piece))
            memset(to, 0, (size_t)piece.size);
        else if (read_place(vhdx, &piece, piece.within, to, (size_t)piece.size, error))
            return -1;
        to += piece.size;
        offset += piece.size;
        size -= (size_t)piece.size;
    }
    return 0;
}

/* Gives the block a new place in the file. What the request doesn't cover is copied from the old
 * place, or zeros; the request itself is the caller's to write. The old place is given back. */
static int move_block(struct vhdx *vhdx, struct piece *piece, struct error *error)
{
    CLEANUP_FREE uint8_t *block = NULL;
    uint64_t block_size = vhdx->metadata.block_size;
    uint64_t after = piece->within + piece->size;
    struct piece old = *piece;
    uint64_t place;
    bool zeroed;

    if (vhdx_space_take(vhdx, vhdx_block_units(vhdx), &place, &zeroed, error))
        return -1;
    if (is_present(&old)) {
        block = calloc(1, (size_t)block_size);
        if (!block)
            return error_set_no_memory(error);
        if (read_place(vhdx, &old, 0, block, (size_t)old.within, error) ||
            read_place(vhdx, &old, after, block + after, (size_t)(block_size - after), error) ||
            vhdx_write(vhdx, place, block, (size_t)old.within, error) ||
            vhdx_write(vhdx, place + after, block + after, (size_t)(block_size - after), error))
            return -1;
    } else if (!zeroed && (vhdx_write_zeros(vhdx, place, old.within, error) ||
                           vhdx_write_zeros(vhdx, place + after, block_size - after, error))) {
        return -1;
    }
    if (vhdx_entry_has_place(old.entry) &&
        vhdx_space_give(vhdx, vhdx_entry_offset(old.entry), block_size, error))
        return -1;
    piece->entry = vhdx_entry(VHDX_BLOCK_FULLY_PRESENT, place);
    set_fresh(vhdx, piece->block);
    return vhdx_bat_set(vhdx, piece->index, piece->entry, error);
}

/* Writes a piece; in_place: also over what the committed state refers to. */
static int write_piece(struct vhdx *vhdx, struct piece *piece, const uint8_t *from, bool in_place,
                       struct error *error)
{
    bool fresh = is_fresh(vhdx, piece->block) && is_present(piece);

    if (!fresh && is_present(piece) && in_place) {
        if (vhdx_announce_data_write(vhdx, error))
            return -1;
    } else if (!fresh && move_block(vhdx, piece, error)) { /* V1 */
        return -1;
    }
    return vhdx_write(vhdx, vhdx_entry_offset(piece->entry) + piece->within, from,
                      (size_t)piece->size, error);
}

static int write_pieces(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
                        bool in_place, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);
    const uint8_t *from = buffer;

    while (size > 0) {
        struct piece piece;

        if (find_piece(vhdx, offset, size, &piece, error) ||
            write_piece(vhdx, &piece, from, in_place, error))
            return -1;
        from += piece.size;
        offset += piece.size;
        size -= (size_t)piece.size;
    }
    return 0;
}

int vhdx_disk_write(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
                    struct error *error)
{
    return write_pieces(disk, offset, buffer, size, false, error);
}

int vhdx_write_unreferenced(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
                            struct error *error)
{
    return write_pieces(disk, offset, buffer, size, true, error);
}

/* Makes a whole block have no content, in the given state. */
static int empty_block(struct vhdx *vhdx, const struct piece *piece, enum vhdx_block_state state,
                       struct error *error)
{
    if (vhdx_entry_has_place(piece->entry) &&
        vhdx_space_give(vhdx, vhdx_entry_offset(piece->entry), vhdx->metadata.block_size, error))
        return -1;
    if (piece->entry == vhdx_entry(state, 0))
        return 0;
    return vhdx_bat_set(vhdx, piece->index, vhdx_entry(state, 0), error);
}

static bool covers_block(const struct vhdx *vhdx, const struct piece *piece)
{
    uint64_t start = piece->block * vhdx->metadata.block_size;
    uint64_t end = min_u64(start + vhdx->metadata.block_size, vhdx->disk.size);

    return piece->within == 0 && piece->size == end - start;
}

static int zero_piece(struct vhdx *vhdx, struct piece *piece, bool in_place, struct error *error)
{
    CLEANUP_FREE uint8_t *zeros = NULL;

    if (!is_present(piece) || covers_block(vhdx, piece))
        return empty_block(vhdx, piece, VHDX_BLOCK_ZERO, error);
    zeros = calloc(1, (size_t)piece->size);
    if (!zeros)
        return error_set_no_memory(error);
    return write_piece(vhdx, piece, zeros, in_place, error);
}

static int zero_pieces(struct disk *disk, uint64_t offset, uint64_t size, bool in_place,
                       struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);

    while (size > 0) {
        struct piece piece;

        if (find_piece(vhdx, offset, size, &piece, error) ||
            zero_piece(vhdx, &piece, in_place, error))
            return -1;
        offset += piece.size;
        size -= piece.size;
    }
    return 0;
}

int vhdx_zero(struct disk *disk, uint64_t offset, uint64_t size, struct error *error)
{
    return zero_pieces(disk, offset, size, false, error);
}

int vhdx_zero_unreferenced(struct disk *disk, uint64_t offset, uint64_t size, struct error *error)
{
    return zero_pieces(disk, offset, size, true, error);
}

int vhdx_forget(struct disk *disk, uint64_t offset, uint64_t size, struct error *error)
{
    struct vhdx *vhdx = vhdx_of(disk);

    while (size > 0) {
        struct piece piece;

        if (find_piece(vhdx, offset, size, &piece, error))
            return -1;
        if (covers_block(vhdx, &piece) && piece.entry != 0 &&
            empty_block(vhdx, &piece, VHDX_BLOCK_NOT_PRESENT, error))
            return -1;
        offset += piece.size;
        size -= piece.size;
    }
    return 0;
}

/* Behind the committed disk's end nobody has seen these bytes, and so they are written in place. */
int vhdx_clear_behind_end(struct vhdx *vhdx, struct error *error)
{
    CLEANUP_FREE uint8_t *bytes = NULL;
    uint64_t block_size = vhdx->metadata.block_size;
    uint64_t within = vhdx->disk.size % block_size;
    struct piece piece;

    if (within == 0)
        return 0;
    if (find_piece(vhdx, vhdx->disk.size, UINT64_MAX, &piece, error))
        return -1;
    if (!is_present(&piece))
        return 0;
    bytes = malloc((size_t)piece.size);
    if (!bytes)
        return error_set_no_memory(error);
    if (read_place(vhdx, &piece, within, bytes, (size_t)piece.size, error))
        return -1;
    if (bytes_are_zero(bytes, (size_t)piece.size))
        return 0;
    if (vhdx->before.virtual_size <= vhdx->disk.size)
        return vhdx_write_zeros(vhdx, vhdx_entry_offset(piece.entry) + within, piece.size, error);
    /* This transaction made the disk smaller: the committed one has them yet (V1). */
    memset(bytes, 0, (size_t)piece.size);
    return write_piece(vhdx, &piece, bytes, false, error);
}

static enum disk_extent_state extent_state(const struct piece *piece)
{
    if (is_present(piece))
        return DISK_EXTENT_DATA;
    return vhdx_entry_state(piece->entry) == VHDX_BLOCK_ZERO ? DISK_EXTENT_ZERO
                                                             : DISK_EXTENT_ABSENT;
}

/* Where the piece's data lies in the file; 0 for what isn't stored. */
static uint64_t place_of(const struct piece *piece)
{
    return is_present(piece) ? vhdx_entry_offset(piece->entry) + piece->within : 0;
}

/* Whether the piece goes on what the extent is. */
static bool continues(const struct piece *piece, const struct disk_extent *extent)
{
    return is_readable(piece) && extent_state(piece) == extent->state &&
           (!is_present(piece) || place_of(piece) == extent->place + extent->size);
}

int vhdx_extent(struct disk *disk, uint64_t offset, uint64_t limit, struct disk_extent *ret_extent,
                struct error *error)
{
    /* Blocks looked at in one go: callers walk on from there, or want no more than a few. */
    static const unsigned most = 64;
    struct vhdx *vhdx = vhdx_of(disk);
    struct piece piece;

    if (find_piece(vhdx, offset, UINT64_MAX, &piece, error) || check_readable(vhdx, &piece, error))
        return -1;
    ret_extent->state = extent_state(&piece);
    ret_extent->place = place_of(&piece);
    ret_extent->size = piece.size;
    for (unsigned i = 1; i < most && offset + ret_extent->size < limit; i++) {
        if (find_piece(vhdx, offset + ret_extent->size, UINT64_MAX, &piece, error))
            return -1;
        if (!continues(&piece, ret_extent))
            break;
        ret_extent->size += piece.size;
    }
    return 0;
}
