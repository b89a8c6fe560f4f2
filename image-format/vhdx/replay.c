/*
 * Log replay (2.3.2, 2.3.3). The log is a ring of sectors; an entry may wrap
 * around its end. A run is a chain of adjacent valid entries whose sequence
 * numbers follow each other. The active sequence is, of all runs whose newest
 * entry (head) has its tail in the run, the one with the highest head: the part
 * from tail to head.
 *
 * Every entry is read at most twice for finding the sequence: a sector of one
 * valid entry can't begin another, and a run is walked once more at most. So
 * the work is in proportion to the log, whatever it holds.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "image-format/vhdx/internal.h"
#include "image-format/vhdx/log-entry.h"

/* What a sound log may zero in all; a BAT for 64 TiB has half of that. */
#define MAX_ZEROED (1 * GIB)

struct log {
    struct file *file;
    struct guid id;
    uint64_t offset;  /* bytes of the file */
    uint64_t sectors; /* in the ring */
};

struct sequence {
    uint64_t tail, head; /* sectors of the ring */
    struct vhdx_log_entry newest;
};

static int read_sector(const struct log *log, uint64_t sector, uint8_t *bytes, struct error *error)
{
    return file_read(log->file, log->offset + sector % log->sectors * VHDX_SECTOR_SIZE, bytes,
                     VHDX_SECTOR_SIZE, error);
}

/* The numbers of an entry's header, before anything else of it is read. */
static bool header_is_sound(const struct log *log, const struct vhdx_log_entry *entry)
{
    uint64_t sectors = entry->length / VHDX_SECTOR_SIZE;

    return guid_equal(&entry->log, &log->id) && entry->sequence > 0 &&
           entry->length % VHDX_SECTOR_SIZE == 0 && sectors >= 1 && sectors <= log->sectors &&
           entry->tail % VHDX_SECTOR_SIZE == 0 && entry->tail / VHDX_SECTOR_SIZE < log->sectors &&
           vhdx_log_descriptor_place(entry->descriptor_count) <= entry->length &&
           entry->flushed_file_offset % VHDX_UNIT == 0 &&
           entry->last_file_offset % VHDX_UNIT == 0 &&
           entry->last_file_offset <= VHDX_MAX_FILE_SIZE;
}

/* Where an update may go: behind the headers, not into the log. */
static bool target_is_sound(const struct log *log, const struct vhdx_log_descriptor *descriptor)
{
    uint64_t size = descriptor->kind == VHDX_LOG_ZERO ? descriptor->zero_length : VHDX_SECTOR_SIZE;

    return descriptor->file_offset % VHDX_SECTOR_SIZE == 0 && size % VHDX_SECTOR_SIZE == 0 &&
           descriptor->file_offset >= VHDX_LOGGABLE_START &&
           range_fits(descriptor->file_offset, size, VHDX_MAX_FILE_SIZE) &&
           (descriptor->file_offset + size <= log->offset ||
            descriptor->file_offset >= log->offset + log->sectors * VHDX_SECTOR_SIZE);
}

/* Calls visit for each descriptor of the entry at sector. visit returns 0 to go on. */
struct visitor {
    int (*visit)(struct visitor *visitor, const struct vhdx_log_descriptor *descriptor,
                 struct error *error);
    const struct log *log;
    uint32_t crc;
    uint64_t data_count;
    uint64_t data_sector; /* of the ring, for applying */
    bool sound;
    uint64_t zeroed; /* bytes */
};

static int visit_descriptors(struct visitor *visitor, uint64_t sector,
                             const struct vhdx_log_entry *entry, struct error *error)
{
    uint32_t count = vhdx_log_descriptor_sectors(entry->descriptor_count);
    uint8_t bytes[VHDX_SECTOR_SIZE];
    uint32_t index = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (read_sector(visitor->log, sector + i, bytes, error))
            return -1;
        visitor->crc = i == 0 ? vhdx_log_first_sector_checksum(bytes)
                              : crc32c(visitor->crc, bytes, sizeof bytes);
        for (; index < entry->descriptor_count &&
               vhdx_log_descriptor_place(index) < (uint64_t)(i + 1) * VHDX_SECTOR_SIZE;
             index++) {
            struct vhdx_log_descriptor descriptor;
            uint64_t place = vhdx_log_descriptor_place(index) % VHDX_SECTOR_SIZE;

            visitor->sound = visitor->sound && vhdx_log_descriptor_decode(
                                                   bytes + place, entry->sequence, &descriptor);
            if (!visitor->sound)
                return 0;
            if (visitor->visit(visitor, &descriptor, error))
                return -1;
        }
    }
    return 0;
}

static int check_descriptor(struct visitor *visitor, const struct vhdx_log_descriptor *descriptor,
                            struct error *error)
{
    (void)error;
    visitor->sound = target_is_sound(visitor->log, descriptor);
    visitor->data_count += descriptor->kind == VHDX_LOG_DATA;
    return 0;
}

/* Reads the entry at sector and checks everything of it; *ret_valid says whether it counts. */
static int read_entry(const struct log *log, uint64_t sector, struct vhdx_log_entry *ret_entry,
                      bool *ret_valid, struct error *error)
{
    struct visitor visitor = {.visit = check_descriptor, .log = log, .sound = true};
    uint8_t bytes[VHDX_SECTOR_SIZE];
    uint64_t sectors, descriptor_sectors;

    *ret_valid = false;
    if (read_sector(log, sector, bytes, error))
        return -1;
    if (!vhdx_log_entry_decode(bytes, ret_entry) || !header_is_sound(log, ret_entry))
        return 0;
    if (visit_descriptors(&visitor, sector, ret_entry, error))
        return -1;
    sectors = ret_entry->length / VHDX_SECTOR_SIZE;
    descriptor_sectors = vhdx_log_descriptor_sectors(ret_entry->descriptor_count);
    if (!visitor.sound || visitor.data_count != sectors - descriptor_sectors)
        return 0;
    for (uint64_t i = descriptor_sectors; i < sectors; i++) {
        if (read_sector(log, sector + i, bytes, error))
            return -1;
        if (!vhdx_log_data_sector_fits(bytes, ret_entry->sequence))
            return 0;
        visitor.crc = crc32c(visitor.crc, bytes, sizeof bytes);
    }
    *ret_valid = visitor.crc == ret_entry->checksum;
    return 0;
}

/* Walks the run that begins at start. Sets its length and its head; a length of 0: no entry. */
static int walk_run(const struct log *log, uint64_t start, uint64_t *ret_sectors,
                    struct sequence *ret_sequence, struct error *error)
{
    struct vhdx_log_entry entry;
    bool valid;

    *ret_sectors = 0;
    for (;;) {
        if (read_entry(log, start + *ret_sectors, &entry, &valid, error))
            return -1;
        if (!valid || *ret_sectors + entry.length / VHDX_SECTOR_SIZE > log->sectors ||
            (*ret_sectors > 0 && entry.sequence != ret_sequence->newest.sequence + 1))
            return 0;
        ret_sequence->head = (start + *ret_sectors) % log->sectors;
        ret_sequence->newest = entry;
        *ret_sectors += entry.length / VHDX_SECTOR_SIZE;
    }
}

/* Whether the head's tail begins an entry of the run [start, start + sectors). */
static int tail_is_in_run(const struct log *log, uint64_t start, uint64_t sectors,
                          const struct sequence *sequence, bool *ret_in, struct error *error)
{
    uint64_t place = 0;

    *ret_in = false;
    while (place < sectors) {
        struct vhdx_log_entry entry;
        uint8_t bytes[VHDX_SECTOR_SIZE];

        if ((start + place) % log->sectors == sequence->newest.tail / VHDX_SECTOR_SIZE) {
            *ret_in = true;
            return 0;
        }
        if (read_sector(log, start + place, bytes, error))
            return -1;
        if (!vhdx_log_entry_decode(bytes, &entry) || entry.length < VHDX_SECTOR_SIZE)
            return 0;
        place += entry.length / VHDX_SECTOR_SIZE;
    }
    return 0;
}

static int find_active(const struct log *log, struct sequence *ret_active, struct error *error)
{
    uint64_t start = 0, sectors;
    bool valid;

    ret_active->newest.sequence = 0;
    while (start < log->sectors) {
        struct sequence sequence;

        if (walk_run(log, start, &sectors, &sequence, error))
            return -1;
        if (sectors > 0) {
            if (tail_is_in_run(log, start, sectors, &sequence, &valid, error))
                return -1;
            sequence.tail = sequence.newest.tail / VHDX_SECTOR_SIZE;
            if (valid && sequence.newest.sequence > ret_active->newest.sequence)
                *ret_active = sequence;
        }
        start += max_u64(sectors, 1);
    }
    if (ret_active->newest.sequence == 0)
        return error_set(error, ERROR_CORRUPT,
                         "the log is marked as in use and holds no valid entry (2.3.3)");
    return 0;
}

static int apply_descriptor(struct visitor *visitor, const struct vhdx_log_descriptor *descriptor,
                            struct error *error)
{
    uint8_t bytes[VHDX_SECTOR_SIZE];

    if (descriptor->kind == VHDX_LOG_ZERO) {
        visitor->zeroed += descriptor->zero_length;
        if (visitor->zeroed > MAX_ZEROED)
            return error_set(error, ERROR_UNSUPPORTED,
                             "the log zeroes more than 1 GiB (its own tables expected)");
        return file_write_zeros(visitor->log->file, descriptor->file_offset,
                                descriptor->zero_length, error);
    }
    if (read_sector(visitor->log, visitor->data_sector++, bytes, error))
        return -1;
    vhdx_log_data_restore(descriptor, bytes);
    return file_write(visitor->log->file, descriptor->file_offset, bytes, sizeof bytes, error);
}

/* Writes what the entries from tail to head say, in order. */
static int apply(const struct log *log, const struct sequence *active, struct error *error)
{
    struct visitor visitor = {.visit = apply_descriptor, .log = log};
    uint64_t sector = active->tail;

    for (;;) {
        uint8_t bytes[VHDX_SECTOR_SIZE];
        struct vhdx_log_entry entry;

        if (read_sector(log, sector, bytes, error))
            return -1;
        vhdx_log_entry_decode(bytes, &entry);
        visitor.sound = true;
        visitor.data_sector = sector + vhdx_log_descriptor_sectors(entry.descriptor_count);
        if (visit_descriptors(&visitor, sector, &entry, error))
            return -1;
        if (sector % log->sectors == active->head)
            return 0;
        sector += entry.length / VHDX_SECTOR_SIZE;
    }
}

int vhdx_log_replay(struct file *file, const struct vhdx_header *header, struct error *error)
{
    struct log log = {
        .file = file,
        .id = header->log,
        .offset = header->log_offset,
        .sectors = header->log_length / VHDX_SECTOR_SIZE,
    };
    struct sequence active;
    uint64_t size;

    if (find_active(&log, &active, error) || file_get_size(file, &size, error))
        return -1;
    if (size < active.newest.flushed_file_offset)
        return error_set(error, ERROR_CORRUPT,
                         "the file has %" PRIu64 " bytes (%" PRIu64
                         " expected by its log: it was truncated)",
                         size, active.newest.flushed_file_offset);
    if (apply(&log, &active, error) || file_get_size(file, &size, error))
        return -1;
    if (size < active.newest.last_file_offset)
        return file_set_size(file, active.newest.last_file_offset, error);
    return 0;
}
