/*
 * A VHDX that is open: what the units of this folder share.
 *
 * Invariants (cited in the code):
 *   V1. Nothing that the committed state refers to is written outside of the
 *       log, except by write_unreferenced (disk.h, D2).
 *   V2. The header names a log id only while the log holds one valid sequence
 *       of that id. The log's entry is written and flushed first; the header
 *       that activates it is the instant of the commit.
 *   V3. A place in the file that a transaction frees is not written before the
 *       log of its commit is cleared.
 *   V4. The file is cut off only while the log is clear.
 *
 * The order of a commit:
 *   data and log entry; flush; header with log id and data-write id; flush;
 *   the other header; flush; the entry's sectors in their places; flush;
 *   headers without the log id, each flushed.
 */
#ifndef IMAGE_FORMAT_VHDX_INTERNAL_H
#define IMAGE_FORMAT_VHDX_INTERNAL_H

#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/vhdx/format.h"
#include "image-format/vhdx/units.h"
#include "image-format/vhdx/vhdx.h"

/* Larger than any VHDX can need; bounds what is allocated for a file's map. */
#define VHDX_MAX_FILE_SIZE (128 * TIB)

struct vhdx_metadata {
    uint32_t block_size, logical_sector_size, physical_sector_size; /* bytes */
    bool leave_blocks_allocated, has_parent, incomplete;
    uint64_t virtual_size;       /* bytes */
    uint64_t virtual_size_place; /* bytes of the file: where the item lies */
    struct guid disk_id;
};

struct vhdx_page; /* 4 KiB of the BAT in memory; bat.c */

struct vhdx_pages {
    struct vhdx_page *newest, *oldest;
    uint64_t count;
};

struct vhdx_bat {
    uint64_t offset;  /* bytes of the file */
    uint32_t length;  /* bytes */
    uint64_t entries; /* how many the virtual size needs; those beyond read as 0 */
    bool relocated;   /* the table moves in this transaction: pages may be written there at once */
    struct vhdx_page **buckets;
    struct vhdx_pages clean, dirty;
};

/* A run of the file that changes hands in a transaction. */
struct vhdx_run {
    uint64_t unit, count; /* VHDX_UNITs */
};

struct vhdx_runs {
    struct vhdx_run *runs;
    size_t count, capacity;
};

/* Which units of the file are in use; built when first needed. */
struct vhdx_space {
    struct vhdx_units units; /* without room: not built */
    uint64_t file_size;      /* bytes, when it was built */
    uint64_t old_holes;      /* units before the end that were free when it was built */
    uint64_t known;          /* units: before it, a free place may hold old bytes; beyond, zeros */
    uint64_t cursor;
    struct vhdx_runs taken, freed; /* in this transaction */
};

struct vhdx {
    struct disk disk; /* first */
    struct file *file;
    bool replayed_in_memory; /* file is an overlay, and the log on disk is dirty */
    bool log_was_dirty;      /* when the file was opened */
    struct vhdx_header header;
    unsigned current;       /* index of the current header */
    bool session_begun;     /* the file-write id is new */
    bool data_write_is_new; /* the data-write id is new */
    uint8_t *regions;       /* the region table's bytes */
    unsigned region_count;
    bool commit_attempted; /* in this transaction: the file may hold the new state */
    bool regions_differ;   /* the two tables in the file aren't the same */
    struct vhdx_region bat_region, metadata_region;
    struct vhdx_metadata metadata;
    uint64_t chunk_ratio;
    struct vhdx_bat bat;
    struct vhdx_space space;
    uint8_t *fresh;       /* bitmap by payload block: taken in this transaction */
    uint64_t fresh_size;  /* bytes of it; as many as the disk needs, or more */
    uint64_t freed_bytes; /* by commits since opening, and not reclaimed */
    struct {
        uint64_t virtual_size;
        struct vhdx_region bat_region;
        uint64_t file_size;
    } before; /* the transaction */
};

static inline struct vhdx *vhdx_of(struct disk *disk)
{
    return (struct vhdx *)disk;
}

static inline uint64_t vhdx_blocks(const struct vhdx *vhdx)
{
    return divide_up(vhdx->disk.size, vhdx->metadata.block_size);
}

static inline uint64_t vhdx_block_units(const struct vhdx *vhdx)
{
    return vhdx->metadata.block_size / VHDX_UNIT;
}

/* All writes to the file go through these: they count them. */
int vhdx_write(struct vhdx *vhdx, uint64_t offset, const void *bytes, size_t size,
               struct error *error);
int vhdx_write_zeros(struct vhdx *vhdx, uint64_t offset, uint64_t size, struct error *error);

/* header.c */
int vhdx_header_read(struct vhdx *vhdx, struct error *error);
/* Makes next the current header, with the sequence number that follows, in both places. The
 * first of its two flushes is the instant at which it counts. */
int vhdx_header_update(struct vhdx *vhdx, const struct vhdx_header *next, struct error *error);

/* regions.c: reads and checks the tables; encodes the BAT's new place into the bytes */
int vhdx_regions_read(struct vhdx *vhdx, struct error *error);
void vhdx_regions_move_bat(struct vhdx *vhdx, const struct vhdx_region *bat_region);

/* metadata.c */
int vhdx_metadata_read(struct vhdx *vhdx, struct error *error);

/* replay.c: finds the active sequence of the log and replays it into file, which is the file
 * itself or an overlay */
int vhdx_log_replay(struct file *file, const struct vhdx_header *header, struct error *error);

/* bat.c: entries by index in the table (vhdx_bat_index) */
int vhdx_bat_open(struct vhdx *vhdx, struct error *error);
void vhdx_bat_close(struct vhdx *vhdx);
int vhdx_bat_get(struct vhdx *vhdx, uint64_t index, uint64_t *ret_entry, struct error *error);
int vhdx_bat_set(struct vhdx *vhdx, uint64_t index, uint64_t entry, struct error *error);
/* The dirty pages, one after another: *iterator is NULL to begin with. */
bool vhdx_bat_next_dirty(struct vhdx *vhdx, struct vhdx_page **iterator, uint64_t *ret_file_offset,
                         const uint8_t **ret_bytes);
/* Writes the dirty pages to their places, which nobody refers to yet (relocated). */
int vhdx_bat_write_dirty(struct vhdx *vhdx, struct error *error);
/* Within a transaction that has changed no entry yet, the table moves to a place that was taken for
 * it; the old one is given back. zeroed: the place reads as zeros. */
int vhdx_bat_relocate(struct vhdx *vhdx, uint64_t offset, uint32_t length, bool zeroed,
                      struct error *error);
void vhdx_bat_all_clean(struct vhdx *vhdx);  /* what is in memory is in the file too */
void vhdx_bat_drop_pages(struct vhdx *vhdx); /* forget all; the file counts */
/* Calls visit for each entry that isn't zero, in the order of the table. */
int vhdx_bat_scan(struct vhdx *vhdx,
                  int (*visit)(struct vhdx *vhdx, uint64_t index, uint64_t entry, void *context,
                               struct error *error),
                  void *context, struct error *error);
bool vhdx_bat_index_is_bitmap(const struct vhdx *vhdx, uint64_t index);
uint64_t vhdx_bat_block_of(const struct vhdx *vhdx, uint64_t index);

/* space.c */
int vhdx_space_build(struct vhdx *vhdx, struct error *error);
void vhdx_space_close(struct vhdx *vhdx);
/* A free place of count units, at the file's end if need be; *ret_zeroed: it reads as zeros. */
int vhdx_space_take(struct vhdx *vhdx, uint64_t count, uint64_t *ret_offset, bool *ret_zeroed,
                    struct error *error);
/* As vhdx_space_take, always at the file's end, zeroed. */
int vhdx_space_take_at_end(struct vhdx *vhdx, uint64_t count, uint64_t *ret_offset,
                           struct error *error);
/* Takes a place that a plan has found; ERROR_SYSTEM, and nothing is taken, where it is free no
 * longer. */
int vhdx_space_take_at(struct vhdx *vhdx, uint64_t offset, uint64_t size, struct error *error);
/* The place is free once the transaction is committed (V3). */
int vhdx_space_give(struct vhdx *vhdx, uint64_t offset, uint64_t size, struct error *error);
uint64_t vhdx_space_settle(struct vhdx *vhdx); /* committed; returns bytes freed */
void vhdx_space_roll_back(struct vhdx *vhdx);  /* aborted */

/* transaction.c, commit.c */
int vhdx_check_changeable(const struct vhdx *vhdx, struct error *error);
int vhdx_begin(struct disk *disk, struct error *error);
int vhdx_commit(struct disk *disk, struct error *error);
void vhdx_abort(struct disk *disk);
/* After a commit that returned result. */
void vhdx_abort_unless_attempted(struct vhdx *vhdx, int result);
/* The data-write id changes before the first change that can be seen (2.2.2). */
int vhdx_announce_data_write(struct vhdx *vhdx, struct error *error);
/* Makes the transaction's changes the file's state. data: a reader of the disk can see them. */
int vhdx_commit_changes(struct vhdx *vhdx, bool data, struct error *error);

/* io.c */
int vhdx_read(struct disk *disk, uint64_t offset, void *buffer, size_t size, struct error *error);
int vhdx_disk_write(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
                    struct error *error);
int vhdx_write_unreferenced(struct disk *disk, uint64_t offset, const void *buffer, size_t size,
                            struct error *error);
int vhdx_zero(struct disk *disk, uint64_t offset, uint64_t size, struct error *error);
int vhdx_zero_unreferenced(struct disk *disk, uint64_t offset, uint64_t size, struct error *error);
int vhdx_forget(struct disk *disk, uint64_t offset, uint64_t size, struct error *error);
int vhdx_extent(struct disk *disk, uint64_t offset, uint64_t limit, struct disk_extent *ret_extent,
                struct error *error);

/* What the disk's last block holds behind the disk's end becomes zeros. */
int vhdx_clear_behind_end(struct vhdx *vhdx, struct error *error);

/* size.c */
int vhdx_set_size(struct disk *disk, uint64_t size, struct error *error);
int vhdx_growth_cost(struct disk *disk, uint64_t size, const struct disk_range *ranges,
                     size_t count, uint64_t *ret_cost, struct error *error);

/* reclaim.c, compaction.c */
int vhdx_reclaim(struct disk *disk, struct error *error);
int vhdx_plan_compaction(struct disk *disk, const struct disk_unused *unused, size_t count,
                         struct disk_compaction **ret_compaction, struct error *error);
int vhdx_compact(struct disk *disk, const struct disk_compaction *compaction,
                 const struct disk_watch *watch, struct error *error);

#endif
