/*
 * The host byte store: the seam below which the system is called, and nowhere
 * else. An implementation embeds struct file as its first member and fills in
 * the table. Callers use the functions below, which check the range once.
 *
 * Durability: what was written or resized before a flush that returned 0
 * survives a power cut. Of what came after it, any part may, in any order.
 *
 * A file can have one side file, which is found again wherever the file is
 * opened: the place for a journal. It is a file like others, with flushes of its
 * own: flushing one of the two does nothing for the other. That it is there, or
 * isn't any more, is durable when the call that did it returns 0.
 */
#ifndef IMAGE_FORMAT_FILE_H
#define IMAGE_FORMAT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct file;

/* What the host says about a file; all in bytes. */
struct file_host_facts {
    uint64_t allocated_size; /* storage that the file takes up */
    uint64_t free_space;     /* what its filesystem can still give to this user; for a device, what
                                the one that takes its side file can */
    bool is_device;          /* a block device: its size can't be changed */
    uint32_t logical_sector_size, physical_sector_size; /* of a device; else 0 */
};

struct file_operations {
    /* Reads exactly size bytes; the range lies within the file. */
    int (*read)(struct file *file, uint64_t offset, void *buffer, size_t size, struct error *error);
    /* Writes exactly size bytes, extending the file where needed. */
    int (*write)(struct file *file, uint64_t offset, const void *buffer, size_t size,
                 struct error *error);
    int (*get_size)(struct file *file, uint64_t *ret_size, struct error *error);
    /* Cuts off or extends; what is extended reads as zeros. */
    int (*set_size)(struct file *file, uint64_t size, struct error *error);
    int (*flush)(struct file *file, struct error *error);
    /* Takes the lock for as long as the file is open; ERROR_BUSY when somebody else has it. */
    int (*lock)(struct file *file, struct error *error);
    /* The start of the first range at or after offset that may hold data (everything between
     * reads as zeros); the file's size when there is none. NULL: no holes are known. */
    int (*next_data)(struct file *file, uint64_t offset, uint64_t *ret_offset, struct error *error);
    /* The start of the first hole at or after offset; the file's size when there is none. NULL: no
     * holes are known. */
    int (*next_hole)(struct file *file, uint64_t offset, uint64_t *ret_offset, struct error *error);
    /* The range, which lies within the file, reads as zeros from now on. NULL: they are written. */
    int (*zero)(struct file *file, uint64_t offset, uint64_t size, struct error *error);
    /* The range, which lies within the file, becomes a hole: it reads as zeros, and its storage is
     * the host's again. ERROR_UNSUPPORTED, and nothing was done, where the host can't; NULL: it
     * can't. */
    int (*punch)(struct file *file, uint64_t offset, uint64_t size, struct error *error);
    /* NULL, both: it can't have a side file. */
    int (*open_side)(struct file *file, bool create, struct file **ret_side, struct error *error);
    int (*remove_side)(struct file *file, struct error *error);
    int (*host_facts)(struct file *file, struct file_host_facts *ret_facts, struct error *error);
    void (*close)(struct file *file);
};

struct file {
    const struct file_operations *operations;
    char *name; /* for messages; owned by the implementation */
    bool writable;
};

int file_read(struct file *file, uint64_t offset, void *buffer, size_t size, struct error *error);
int file_write(struct file *file, uint64_t offset, const void *buffer, size_t size,
               struct error *error);
int file_get_size(struct file *file, uint64_t *ret_size, struct error *error);
int file_set_size(struct file *file, uint64_t size, struct error *error);
int file_flush(struct file *file, struct error *error);
int file_lock(struct file *file, struct error *error);
int file_next_data(struct file *file, uint64_t offset, uint64_t *ret_offset, struct error *error);
int file_next_hole(struct file *file, uint64_t offset, uint64_t *ret_offset, struct error *error);
int file_host_facts(struct file *file, struct file_host_facts *ret_facts, struct error *error);

/* Opens the side file: a new, empty one with create (an error where there is one already), else
 * the one that is there, or *ret_side is NULL. It can be written to when file can. It is the
 * caller's to close, before file is closed and before the side file is removed. */
int file_open_side(struct file *file, bool create, struct file **ret_side, struct error *error);
int file_remove_side(struct file *file, struct error *error);

/* The range, which lies within the file, reads as zeros from now on. Unlike file_write_zeros it
 * may change what the host has allocated. */
int file_zero(struct file *file, uint64_t offset, uint64_t size, struct error *error);

/* The range, which lies within the file, becomes a hole. Never writes zeros instead. */
int file_punch(struct file *file, uint64_t offset, uint64_t size, struct error *error);

/* Writes size zero bytes. */
int file_write_zeros(struct file *file, uint64_t offset, uint64_t size, struct error *error);

/* Copies size bytes within the file; the ranges don't overlap. */
int file_copy_range(struct file *file, uint64_t from, uint64_t to, uint64_t size,
                    struct error *error);

/* Closes and frees; NULL is fine. */
void file_close(struct file *file);
static inline void cleanup_file(struct file **file)
{
    file_close(*file);
}

/* Reads that go to below, and writes and sizes that stay in memory in 4 KiB sectors: a file can
 * be changed for reading without being touched. Side files are made and removed in memory, too.
 * Takes ownership of below, also on failure. NULL when memory ran out. */
struct file *file_overlay_new(struct file *below, struct error *error);

/* The file below, which stays the overlay's. */
struct file *file_overlay_below(struct file *overlay);

/* Forgets what the overlay keeps, frees it and hands back the file below. */
struct file *file_overlay_drop(struct file *overlay);

#endif
