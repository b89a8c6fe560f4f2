/*
 * For the files of relocation.
 */
#ifndef RESIZE_RELOCATION_PARTS_H
#define RESIZE_RELOCATION_PARTS_H

#include "resize/relocation.h"

int resize_add_move(struct resize_relocation *relocation, struct resize_move move,
                    struct error *error);

/* The map's data as it will be, without nodes. */
int resize_relocation_remap_data(const struct resize_relocation *relocation,
                                 const struct ext4_block_map *map, struct ext4_block_map *ret_map,
                                 struct error *error);

/* Ascending by from. */
void resize_sort_moves_by_place(struct resize_relocation *relocation);

/* The longest first; of equal length, ascending by from. */
void resize_sort_moves_by_length(struct resize_relocation *relocation);

#endif
