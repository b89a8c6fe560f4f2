/*
 * Which pages are staged, and in which slot each: a hash table of 16 bytes an
 * entry. Pages are never taken out one by one.
 */
#ifndef IMAGE_FORMAT_JOURNAL_PAGE_MAP_H
#define IMAGE_FORMAT_JOURNAL_PAGE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct staged_page {
    uint64_t page;
    uint32_t slot;
    bool used;
};

/* Zero-initialise; page_map_clear frees what it holds. */
struct page_map {
    struct staged_page *places;
    size_t count, capacity; /* capacity: places, a power of two or 0 */
};

/* The page's entry, or NULL. It is valid until the next page_map_put. */
struct staged_page *page_map_find(const struct page_map *map, uint64_t page);

/* Adds a page, or changes its slot. */
int page_map_put(struct page_map *map, uint64_t page, uint32_t slot, struct error *error);

/* The first staged page in [page, end), or end. */
uint64_t page_map_next(const struct page_map *map, uint64_t page, uint64_t end);

/* All entries with a page below end, ascending; the caller frees the list. NULL sets error. */
struct staged_page *page_map_sorted(const struct page_map *map, uint64_t end, size_t *ret_count,
                                    struct error *error);

void page_map_clear(struct page_map *map);

#endif
