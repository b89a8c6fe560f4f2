/*
 * The two headers: which one counts, and replacing it.
 */
#include <inttypes.h>
#include <string.h>

#include "image-format/vhdx/internal.h"

int vhdx_probe(struct file *file, unsigned *ret_bits, struct error *error)
{
    uint8_t signature[VHDX_SIGNATURE_SIZE];
    uint64_t size;

    *ret_bits = 0;
    if (file_get_size(file, &size, error))
        return -1;
    if (size < sizeof signature)
        return 0;
    if (file_read(file, 0, signature, sizeof signature, error))
        return -1;
    if (memcmp(signature, VHDX_SIGNATURE, sizeof signature) == 0)
        *ret_bits = 8 * VHDX_SIGNATURE_SIZE;
    return 0;
}

/* Chooses between two valid headers (2.2.2). Equal numbers with equal content are accepted: some
 * writers leave such. */
static int choose(struct vhdx *vhdx, const struct vhdx_header headers[2], const bool valid[2],
                  bool same, struct error *error)
{
    if (!valid[0] && !valid[1])
        return error_set(error, ERROR_CORRUPT,
                         "both VHDX headers are damaged (a valid one expected at byte 65536 or "
                         "131072)");
    if (valid[0] && valid[1]) {
        if (headers[0].sequence == headers[1].sequence && !same)
            return error_set(error, ERROR_CORRUPT,
                             "both VHDX headers have the sequence number %" PRIu64
                             " and differ (different numbers expected)",
                             headers[0].sequence);
        vhdx->current = headers[1].sequence > headers[0].sequence;
    } else {
        vhdx->current = valid[1];
    }
    vhdx->header = headers[vhdx->current];
    return 0;
}

static int check_log_place(const struct vhdx_header *header, uint64_t file_size,
                           struct error *error)
{
    if (header->log_length == 0 && guid_is_zero(&header->log))
        return 0;
    if (header->log_length == 0)
        return error_set(error, ERROR_CORRUPT, "the log has an id and a length of 0");
    if (header->log_length % VHDX_UNIT != 0 || header->log_offset % VHDX_UNIT != 0 ||
        header->log_offset < VHDX_UNIT ||
        !range_fits(header->log_offset, header->log_length, file_size))
        return error_set(error, ERROR_CORRUPT,
                         "the log lies at byte %" PRIu64 " with %" PRIu32
                         " bytes (multiples of 1 MiB within the file's %" PRIu64 " bytes expected)",
                         header->log_offset, header->log_length, file_size);
    return 0;
}

static int check_header(const struct vhdx_header *header, uint64_t file_size, struct error *error)
{
    if (header->version != 1)
        return error_set(error, ERROR_UNSUPPORTED, "the VHDX version is %u (1 expected)",
                         header->version);
    if (header->log_version != 0 && !guid_is_zero(&header->log))
        return error_set(error, ERROR_UNSUPPORTED, "the log's version is %u (0 expected)",
                         header->log_version);
    return check_log_place(header, file_size, error);
}

int vhdx_header_read(struct vhdx *vhdx, struct error *error)
{
    uint8_t bytes[2][VHDX_HEADER_SIZE];
    struct vhdx_header headers[2];
    bool valid[2];
    uint64_t file_size;

    if (file_get_size(vhdx->file, &file_size, error))
        return -1;
    if (file_size > VHDX_MAX_FILE_SIZE)
        return error_set(error, ERROR_UNSUPPORTED,
                         "the file has %" PRIu64 " bytes (at most %" PRIu64 " expected)", file_size,
                         VHDX_MAX_FILE_SIZE);
    if (file_size < VHDX_UNIT)
        return error_set(error, ERROR_CORRUPT,
                         "the file ends within the headers, at byte %" PRIu64
                         " (1 MiB at least expected)",
                         file_size);
    for (int i = 0; i < 2; i++) {
        if (file_read(vhdx->file, vhdx_header_offsets[i], bytes[i], sizeof bytes[i], error))
            return -1;
        valid[i] = vhdx_header_decode(bytes[i], &headers[i]);
    }
    if (choose(vhdx, headers, valid, memcmp(bytes[0], bytes[1], sizeof bytes[0]) == 0, error))
        return -1;
    return check_header(&vhdx->header, file_size, error);
}

int vhdx_header_update(struct vhdx *vhdx, const struct vhdx_header *next, struct error *error)
{
    struct vhdx_header header = *next;
    uint8_t bytes[VHDX_HEADER_SIZE];

    if (vhdx->header.sequence > UINT64_MAX - 2)
        return error_set(error, ERROR_UNSUPPORTED, "the header's sequence number is used up");
    for (int i = 0; i < 2; i++) {
        header.sequence = vhdx->header.sequence + 1;
        vhdx_header_encode(&header, bytes);
        if (vhdx_write(vhdx, vhdx_header_offsets[!vhdx->current], bytes, sizeof bytes, error) ||
            file_flush(vhdx->file, error))
            return -1;
        vhdx->current = !vhdx->current;
        vhdx->header = header;
    }
    return 0;
}
