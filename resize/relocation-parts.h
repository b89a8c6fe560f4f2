/*
 * For the files of relocation: the list of what moves.
 */
#ifndef RESIZE_RELOCATION_PARTS_H
#define RESIZE_RELOCATION_PARTS_H

#include "resize/relocation.h"

int resize_add_move(struct resize_relocation *relocation, struct resize_move move,
                    struct error *error);

/* Ascending by from. */
void resize_sort_moves_by_place(struct resize_relocation *relocation);

/* The longest first; of equal length, ascending by from. */
void resize_sort_moves_by_length(struct resize_relocation *relocation);

#endif
