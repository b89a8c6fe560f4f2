/*
 * The virtual disk: the seam between formats and what lies on the disk. An
 * implementation embeds struct disk as its first member and fills in the
 * table. Callers use the functions below; range and permission are checked
 * there, once, so that implementations need not.
 *
 * Changing: begin, then write, zero, forget and set_size, then commit or abort.
 *
 *   D1. Until commit, nothing that the committed state refers to is touched: a
 *       power cut or an abort leaves the old contents and the old size.
 *   D2. The exception is disk_write_unreferenced: its range may take the new
 *       bytes at once. The caller vouches that what the committed disk holds
 *       there means nothing to anybody (a block that the filesystem has free).
 *   D3. commit makes all changes appear at one instant, and durable.
 *   D4. Within a transaction, reads see its changes. One in which a change
 *       failed can only be aborted.
 *   D5. After a commit that failed, the disk takes no further change; the file
 *       holds the old or the new state, whole: the new one where committed is
 *       set, either where uncertain is, else the old one.
 *
 * All offsets and sizes are bytes of the virtual disk, of any alignment.
 */
#ifndef IMAGE_FORMAT_DISK_H
#define IMAGE_FORMAT_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/guid.h"

struct disk;
struct progress;

enum disk_extent_state {
    DISK_EXTENT_ABSENT, /* nothing stored; reads as zeros, but nobody promised it */
    DISK_EXTENT_ZERO,   /* nothing stored; reads as zeros */
    DISK_EXTENT_DATA,
};

struct disk_extent {
    enum disk_extent_state state;
    uint64_t offset, size; /* bytes */
    uint64_t place;        /* bytes of the host's file: where data lies, all of it in a row */
};

struct disk_range {
    uint64_t offset, size; /* bytes */
    bool unreferenced;     /* written under the terms of disk_write_unreferenced */
};

/* Why the bytes of a range needn't be stored. */
enum disk_unused_kind {
    DISK_UNUSED_FREE,  /* they mean nothing to anybody */
    DISK_UNUSED_BLANK, /* nor do they, but once given up they have to read as zeros */
    DISK_UNUSED_ZEROS, /* they are zeros, and go on reading as such */
};

struct disk_unused {
    enum disk_unused_kind kind;
    uint64_t offset, size; /* bytes */
};

/* What a compaction comes to; made by disk_plan_compaction. An implementation embeds it as its
 * first member. */
struct disk_compaction {
    uint64_t file_size;  /* bytes: of the host's file at the end */
    uint64_t given_back; /* bytes of the host's storage */
    uint64_t forgotten;  /* bytes of the disk that are stored no longer */
    uint64_t moved;      /* bytes that are copied to other places in the file */
    void (*free)(struct disk_compaction *compaction);
};

/* Who looks on while something long is done; each may be NULL. */
struct disk_watch {
    struct progress *progress;
    bool (*interrupted)(void); /* asked before each commit: ERROR_INTERRUPTED then */
};

#define DISK_CREATOR_SIZE 1024

/* What a disk says of itself. Strings without an owner are constants. */
struct disk_description {
    const char *format; /* "vhdx", "vhd", "raw" */
    const char *type;   /* "dynamic", "fixed", "differencing" */
    const char *log;    /* "clean", "dirty", "none" */
    bool has_leftover; /* the journal of a change that was not committed: the next one removes it */
    uint64_t virtual_size, file_size, allocated_size; /* bytes */
    uint64_t host_free_space;                         /* bytes that the file can still take up */
    uint32_t block_size;                              /* bytes; 0: none */
    uint32_t logical_sector_size, physical_sector_size;
    struct guid id;                  /* zero: none */
    char creator[DISK_CREATOR_SIZE]; /* UTF-8; may be empty */
};

struct disk_operations {
    int (*describe)(struct disk *disk, struct disk_description *ret_description,
                    struct error *error);
    int (*read)(struct disk *disk, uint64_t offset, void *buffer, size_t size, struct error *error);
    /* The state at offset, and how far it reaches at least; beyond limit nobody wants to know. */
    int (*extent)(struct disk *disk, uint64_t offset, uint64_t limit,
                  struct disk_extent *ret_extent, struct error *error);
    int (*begin)(struct disk *disk, struct error *error);
    int (*write)(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
                 struct error *error);
    int (*write_unreferenced)(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
                              struct error *error);
    int (*zero)(struct disk *disk, uint64_t offset, uint64_t size, struct error *error);
    int (*zero_unreferenced)(struct disk *disk, uint64_t offset, uint64_t size,
                             struct error *error);
    int (*forget)(struct disk *disk, uint64_t offset, uint64_t size, struct error *error);
    int (*set_size)(struct disk *disk, uint64_t size, struct error *error);
    int (*growth_cost)(struct disk *disk, uint64_t size, const struct disk_range *ranges,
                       size_t count, uint64_t *ret_cost, struct error *error);
    int (*commit)(struct disk *disk, struct error *error);
    void (*abort)(struct disk *disk);
    int (*reclaim)(struct disk *disk, struct error *error);
    int (*plan_compaction)(struct disk *disk, const struct disk_unused *unused, size_t count,
                           struct disk_compaction **ret_compaction, struct error *error);
    int (*compact)(struct disk *disk, const struct disk_compaction *compaction,
                   const struct disk_watch *watch, struct error *error);
    void (*close)(struct disk *disk);
};

struct disk {
    const struct disk_operations *operations;
    uint64_t size;          /* bytes; within a transaction, the new size */
    uint64_t bytes_written; /* to the host since the disk was opened, by this program */
    bool writable;
    bool in_transaction;
    bool spoiled;   /* D4: a change of this transaction failed */
    bool failed;    /* D5 */
    bool committed; /* the last commit is durable, even where it returned -1 */
    bool uncertain; /* the last commit failed in the instant in which it would be durable */
};

int disk_describe(struct disk *disk, struct disk_description *ret_description, struct error *error);

/* Reads exactly size bytes within the disk. */
int disk_read(struct disk *disk, uint64_t offset, void *buffer, size_t size, struct error *error);

/* The extent that begins at offset and ends at limit at the latest; offset < limit <= the
 * disk's size. A following extent may have the same state. */
int disk_get_extent(struct disk *disk, uint64_t offset, uint64_t limit,
                    struct disk_extent *ret_extent, struct error *error);

int disk_begin(struct disk *disk, struct error *error);

int disk_write(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
               struct error *error);
int disk_write_unreferenced(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
                            struct error *error);

/* The range reads as zeros, and takes no space where the format can say so. */
int disk_zero(struct disk *disk, uint64_t offset, uint64_t size, struct error *error);

/* As disk_zero under the terms of disk_write_unreferenced. */
int disk_zero_unreferenced(struct disk *disk, uint64_t offset, uint64_t size, struct error *error);

/* The contents of the range mean nothing any more: whole blocks in it are given up. */
int disk_forget(struct disk *disk, uint64_t offset, uint64_t size, struct error *error);

/* Takes effect with the commit. What is added is absent. What is cut off is gone with the commit,
 * and reads as zeros where the disk grows again, also within one transaction. */
int disk_set_size(struct disk *disk, uint64_t size, struct error *error);

/* How much larger the host's file gets at most, in bytes, when the disk takes the new size, which
 * may be a smaller one, and the ranges are written, in one transaction. They are sorted, and may
 * overlap. What is cut off is free only after the commit, and so takes nothing off. */
int disk_growth_cost(struct disk *disk, uint64_t size, const struct disk_range *ranges,
                     size_t count, uint64_t *ret_cost, struct error *error);

int disk_commit(struct disk *disk, struct error *error);

/* Drops the changes; the disk is as before begin. */
void disk_abort(struct disk *disk);

/* Gives the host back what the commits since opening freed: moves the end of the file into the
 * holes, as much as was freed and no more, and cuts off. Each step leaves a valid image. */
int disk_reclaim(struct disk *disk, struct error *error);

/* How much the host gets back when the ranges are given up and the file is packed; writes nothing.
 * The ranges are sorted and disjoint, and begin and end at multiples of the description's
 * block_size (4096 where that is 0) or at the disk's end. The plan is the caller's, and holds until
 * the disk's next change. ERROR_UNSUPPORTED for a disk that can't be compacted. */
int disk_plan_compaction(struct disk *disk, const struct disk_unused *unused, size_t count,
                         struct disk_compaction **ret_compaction, struct error *error);

/* ERROR_INTERRUPTED where watch, which may be NULL, says so. */
int disk_watch_check(const struct disk_watch *watch, struct error *error);

/* Carries the plan out, outside of a transaction: in one commit, or as many as the host's space
 * asks for, the ranges are given up; then the file is packed in batches, and cut off. Each step
 * leaves a valid image in which everything that counts reads as before. disk->committed is set
 * once a commit is durable, also where it returns -1. watch may be NULL. */
int disk_compact(struct disk *disk, const struct disk_compaction *compaction,
                 const struct disk_watch *watch, struct error *error);

/* NULL is fine. */
void disk_compaction_free(struct disk_compaction *compaction);
static inline void cleanup_disk_compaction(struct disk_compaction **compaction)
{
    disk_compaction_free(*compaction);
}

/* Aborts a transaction that is open, closes and frees; NULL is fine. */
void disk_close(struct disk *disk);
static inline void cleanup_disk(struct disk **disk)
{
    disk_close(*disk);
}

#endif
