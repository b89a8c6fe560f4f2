/*
 * The block allocation table in pages of 4 KiB, as many in memory as are in
 * use: clean ones on a list by last use, dirty ones on a list by age. Clean
 * pages leave when there are more than CACHED_PAGES. Dirty pages stay until the
 * commit has logged them; only when the whole table moves to a place that
 * nobody refers to yet may they be written, and leave, early.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "image-format/vhdx/internal.h"

#define ENTRIES_IN_PAGE (VHDX_SECTOR_SIZE / VHDX_BAT_ENTRY_SIZE)
#define BUCKET_COUNT 4096 /* a power of two */
#define CACHED_PAGES 512
#define SCAN_PIECE_SIZE (256 * KIB)

struct vhdx_page {
    struct vhdx_page *in_bucket;
    struct vhdx_page *newer, *older;
    uint64_t number;
    bool dirty;
    uint8_t bytes[VHDX_SECTOR_SIZE];
};

int vhdx_bat_open(struct vhdx *vhdx, struct error *error)
{
    uint64_t entries;

    vhdx->chunk_ratio =
        vhdx_chunk_ratio(vhdx->metadata.block_size, vhdx->metadata.logical_sector_size);
    entries = vhdx_bat_entries(vhdx_blocks(vhdx), vhdx->chunk_ratio);
    if (entries * VHDX_BAT_ENTRY_SIZE > vhdx->bat_region.length)
        return error_set(error, ERROR_CORRUPT,
                         "the BAT has %" PRIu32 " bytes (%" PRIu64
                         " expected for the virtual size)",
                         vhdx->bat_region.length, entries * VHDX_BAT_ENTRY_SIZE);
    vhdx->bat.offset = vhdx->bat_region.offset;
    vhdx->bat.length = vhdx->bat_region.length;
    vhdx->bat.entries = entries;
    vhdx->bat.buckets = calloc(BUCKET_COUNT, sizeof *vhdx->bat.buckets);
    return vhdx->bat.buckets ? 0 : error_set_no_memory(error);
}

static struct vhdx_pages *list_of(struct vhdx_bat *bat, const struct vhdx_page *page)
{
    return page->dirty ? &bat->dirty : &bat->clean;
}

static void take_from_list(struct vhdx_bat *bat, struct vhdx_page *page)
{
    struct vhdx_pages *list = list_of(bat, page);

    *(page->newer ? &page->newer->older : &list->newest) = page->older;
    *(page->older ? &page->older->newer : &list->oldest) = page->newer;
    list->count--;
}

static void put_on_list(struct vhdx_bat *bat, struct vhdx_page *page)
{
    struct vhdx_pages *list = list_of(bat, page);

    page->newer = NULL;
    page->older = list->newest;
    *(list->newest ? &list->newest->newer : &list->oldest) = page;
    list->newest = page;
    list->count++;
}

static void set_dirty(struct vhdx_bat *bat, struct vhdx_page *page, bool dirty)
{
    take_from_list(bat, page);
    page->dirty = dirty;
    put_on_list(bat, page);
}

static void drop_page(struct vhdx_bat *bat, struct vhdx_page *page)
{
    struct vhdx_page **link = &bat->buckets[page->number % BUCKET_COUNT];

    while (*link != page)
        link = &(*link)->in_bucket;
    *link = page->in_bucket;
    take_from_list(bat, page);
    free(page);
}

void vhdx_bat_drop_pages(struct vhdx *vhdx)
{
    while (vhdx->bat.clean.oldest)
        drop_page(&vhdx->bat, vhdx->bat.clean.oldest);
    while (vhdx->bat.dirty.oldest)
        drop_page(&vhdx->bat, vhdx->bat.dirty.oldest);
}

void vhdx_bat_close(struct vhdx *vhdx)
{
    if (vhdx->bat.buckets)
        vhdx_bat_drop_pages(vhdx);
    free(vhdx->bat.buckets);
}

static int write_page(struct vhdx *vhdx, struct vhdx_page *page, struct error *error)
{
    if (vhdx_write(vhdx, vhdx->bat.offset + page->number * VHDX_SECTOR_SIZE, page->bytes,
                   sizeof page->bytes, error))
        return -1;
    set_dirty(&vhdx->bat, page, false);
    return 0;
}

/* Makes room for one page, where there is one that may leave. */
static int make_room(struct vhdx *vhdx, struct error *error)
{
    struct vhdx_bat *bat = &vhdx->bat;

    if (bat->relocated && bat->dirty.count >= CACHED_PAGES &&
        write_page(vhdx, bat->dirty.oldest, error))
        return -1;
    if (bat->clean.count >= CACHED_PAGES)
        drop_page(bat, bat->clean.oldest);
    return 0;
}

/* Entries behind the last one that the disk's size needs read as zeros, whatever is stored. */
static void blank_beyond(const struct vhdx_bat *bat, struct vhdx_page *page)
{
    uint64_t first = page->number * ENTRIES_IN_PAGE;

    if (first + ENTRIES_IN_PAGE > bat->entries) {
        size_t keep = (size_t)(bat->entries > first ? bat->entries - first : 0);

        memset(page->bytes + keep * VHDX_BAT_ENTRY_SIZE, 0,
               (ENTRIES_IN_PAGE - keep) * VHDX_BAT_ENTRY_SIZE);
    }
}

/* The page of an entry, read when it isn't in memory; NULL sets error. */
static struct vhdx_page *find_page(struct vhdx *vhdx, uint64_t index, struct error *error)
{
    struct vhdx_bat *bat = &vhdx->bat;
    uint64_t number = index / ENTRIES_IN_PAGE;
    struct vhdx_page **bucket = &bat->buckets[number % BUCKET_COUNT];
    struct vhdx_page *page = *bucket;

    while (page && page->number != number)
        page = page->in_bucket;
    if (page) {
        if (!page->dirty)
            set_dirty(bat, page, false); /* the newest by use */
        return page;
    }
    if (make_room(vhdx, error))
        return NULL;
    page = calloc(1, sizeof *page);
    if (!page) {
        error_set_no_memory(error);
        return NULL;
    }
    page->number = number;
    if (file_read(vhdx->file, bat->offset + number * VHDX_SECTOR_SIZE, page->bytes,
                  sizeof page->bytes, error)) {
        free(page);
        return NULL;
    }
    blank_beyond(bat, page);
    page->in_bucket = *bucket;
    *bucket = page;
    put_on_list(bat, page);
    return page;
}

int vhdx_bat_get(struct vhdx *vhdx, uint64_t index, uint64_t *ret_entry, struct error *error)
{
    const struct vhdx_page *page = find_page(vhdx, index, error);

    if (!page)
        return -1;
    *ret_entry = get_le64(page->bytes + index % ENTRIES_IN_PAGE * VHDX_BAT_ENTRY_SIZE);
    return 0;
}

int vhdx_bat_set(struct vhdx *vhdx, uint64_t index, uint64_t entry, struct error *error)
{
    struct vhdx_page *page = find_page(vhdx, index, error);

    if (!page)
        return -1;
    put_le64(page->bytes + index % ENTRIES_IN_PAGE * VHDX_BAT_ENTRY_SIZE, entry);
    if (!page->dirty)
        set_dirty(&vhdx->bat, page, true);
    return 0;
}

bool vhdx_bat_next_dirty(struct vhdx *vhdx, struct vhdx_page **iterator, uint64_t *ret_file_offset,
                         const uint8_t **ret_bytes)
{
    struct vhdx_page *page = *iterator ? (*iterator)->newer : vhdx->bat.dirty.oldest;

    if (!page)
        return false;
    *iterator = page;
    *ret_file_offset = vhdx->bat.offset + page->number * VHDX_SECTOR_SIZE;
    *ret_bytes = page->bytes;
    return true;
}

int vhdx_bat_write_dirty(struct vhdx *vhdx, struct error *error)
{
    while (vhdx->bat.dirty.oldest)
        if (write_page(vhdx, vhdx->bat.dirty.oldest, error))
            return -1;
    return 0;
}

void vhdx_bat_all_clean(struct vhdx *vhdx)
{
    while (vhdx->bat.dirty.oldest)
        set_dirty(&vhdx->bat, vhdx->bat.dirty.oldest, false);
}

int vhdx_bat_relocate(struct vhdx *vhdx, uint64_t offset, uint32_t length, bool zeroed,
                      struct error *error)
{
    struct vhdx_region region = vhdx->bat_region;
    uint64_t size = min_u64(vhdx->bat.entries * VHDX_BAT_ENTRY_SIZE, length);

    if (file_copy_range(vhdx->file, vhdx->bat.offset, offset, size, error) ||
        (!zeroed && vhdx_write_zeros(vhdx, offset + size, length - size, error)) ||
        vhdx_space_give(vhdx, region.offset, region.length, error))
        return -1;
    vhdx->disk.bytes_written += size;
    region.offset = offset;
    region.length = length;
    vhdx->bat.offset = offset;
    vhdx->bat.length = length;
    vhdx->bat.relocated = true;
    vhdx_regions_move_bat(vhdx, &region);
    return 0;
}

bool vhdx_bat_index_is_bitmap(const struct vhdx *vhdx, uint64_t index)
{
    return index % (vhdx->chunk_ratio + 1) == vhdx->chunk_ratio;
}

uint64_t vhdx_bat_block_of(const struct vhdx *vhdx, uint64_t index)
{
    return index - index / (vhdx->chunk_ratio + 1);
}

int vhdx_bat_scan(struct vhdx *vhdx,
                  int (*visit)(struct vhdx *vhdx, uint64_t index, uint64_t entry, void *context,
                               struct error *error),
                  void *context, struct error *error)
{
    CLEANUP_FREE uint8_t *piece = malloc(SCAN_PIECE_SIZE);
    uint64_t end = vhdx->bat.offset + vhdx->bat.entries * VHDX_BAT_ENTRY_SIZE;
    uint64_t place = vhdx->bat.offset;

    if (!piece)
        return error_set_no_memory(error);
    for (;;) {
        uint64_t data;
        size_t size;

        if (file_next_data(vhdx->file, place, &data, error))
            return -1;
        place = max_u64(place, round_down(data, VHDX_SECTOR_SIZE));
        if (place >= end)
            return 0;
        size = (size_t)min_u64(SCAN_PIECE_SIZE, end - place);
        if (file_read(vhdx->file, place, piece, size, error))
            return -1;
        for (size_t at = 0; at < size; at += VHDX_BAT_ENTRY_SIZE) {
            uint64_t entry = get_le64(piece + at);

            if (entry != 0 && visit(vhdx, (place - vhdx->bat.offset + at) / VHDX_BAT_ENTRY_SIZE,
                                    entry, context, error))
                return -1;
        }
        place += size;
    }
}
