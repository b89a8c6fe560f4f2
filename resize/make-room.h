/*
 * Planning what has to move before the geometry can change.
 */
#ifndef RESIZE_MAKE_ROOM_H
#define RESIZE_MAKE_ROOM_H

#include "resize/plan.h"

/* Fills in inode_moves, relocation, vacated, table_moves and late of a plan whose geometries are
 * set. *ret_missing: blocks for which there is no room in the new geometry; then the plan
 * is of no use. Errors as ext4_survey and resize_renumber_check. */
int resize_plan_room(struct ext4 *ext4, struct resize_plan *plan, uint64_t *ret_missing,
                     struct error *error);

/* For the parts of that: */

/* Inodes of groups that go get the lowest free numbers of those that stay. */
int resize_plan_inode_moves(struct ext4 *ext4, struct resize_plan *plan, struct error *error);

/* Gives the tables of groups that stay, but lie in a zone, new places: in what is free early or,
 * where nothing is free in a row, in a window that is to be made free. Where the windows don't
 * suffice, another one is added and *ret_again set: zones and pool have to be made anew. */
int resize_plan_table_moves(struct ext4 *ext4, struct resize_plan *plan,
                            const struct resize_zones *zones, struct resize_pool *early,
                            struct resize_zones *windows, bool *ret_again, struct error *error);

/* Moves tables of groups that go out of the way of needed blocks, to beyond the new end, as far as
 * there is room; what they leave joins the early pool. */
int resize_plan_vacating(struct ext4 *ext4, struct resize_plan *plan,
                         const struct resize_zones *zones, uint64_t needed,
                         struct resize_pool *early, struct error *error);

/* Blocks that are written for what moves, at the least: the blocks, the inodes, and tables that go
 * elsewhere. */
uint64_t resize_count_moved(struct ext4 *ext4, const struct resize_plan *plan);

int resize_add_table_move(struct resize_table_moves *moves, struct resize_table_move move,
                          struct error *error);

#endif
