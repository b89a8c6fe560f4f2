/*
 * Where the tables of new groups go: only into blocks that the filesystem
 * doesn't have yet. With flex_bg, those of a flex group's new groups lie in a
 * row at the start of the first: all block bitmaps, all inode bitmaps, all inode
 * tables. Without, each group holds its own.
 */
#ifndef RESIZE_GROW_TABLES_H
#define RESIZE_GROW_TABLES_H

#include "resize/plan.h"

/* Fills in tables, table_runs and uninitialised of a plan whose geometries are set. */
int resize_place_tables(struct resize_plan *plan, struct error *error);

/* The bitmap of a new group: its head, and all tables in it; block_size bytes, with padding. */
void resize_make_bitmap(const struct resize_plan *plan, uint32_t group, uint8_t *bitmap);

#endif
