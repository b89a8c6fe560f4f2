/*
 * The list of what moves, in the orders that it is wanted in.
 */
#include <stdlib.h>

#include "base/array.h"
#include "resize/relocation-parts.h"

int resize_add_move(struct resize_relocation *relocation, struct resize_move move,
                    struct error *error)
{
    struct resize_move *larger = array_make_room(relocation->moves, relocation->move_count,
                                                 &relocation->move_capacity, sizeof *larger, error);

    if (!larger)
        return -1;
    relocation->moves = larger;
    larger[relocation->move_count++] = move;
    return 0;
}

static int compare_places(const void *a, const void *b)
{
    const struct resize_move *first = a, *second = b;

    return first->from < second->from ? -1 : first->from > second->from;
}

static int compare_lengths(const void *a, const void *b)
{
    const struct resize_move *first = a, *second = b;

    if (first->count != second->count)
        return first->count > second->count ? -1 : 1;
    return compare_places(a, b);
}

typedef int compare_moves(const void *a, const void *b);

/* More moves than these are sorted where they are: qsort takes the memory of all once more. */
#define SORTED_BY_COPY (UINT32_C(1) << 20)

static bool are_sorted(const struct resize_move *moves, size_t count, compare_moves *compare)
{
    size_t i = 1;

    while (i < count && compare(&moves[i - 1], &moves[i]) <= 0)
        i++;
    return i >= count;
}

/* Of a heap whose largest is the first: the move at index goes down to its place. */
static void sift_down(struct resize_move *moves, size_t index, size_t count, compare_moves *compare)
{
    struct resize_move move = moves[index];
    size_t child;

    while ((child = 2 * index + 1) < count) {
        if (child + 1 < count && compare(&moves[child], &moves[child + 1]) < 0)
            child++;
        if (compare(&move, &moves[child]) >= 0)
            break;
        moves[index] = moves[child];
        index = child;
    }
    moves[index] = move;
}

static void sort_in_place(struct resize_move *moves, size_t count, compare_moves *compare)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(moves, i, count, compare);
    while (count-- > 1) {
        struct resize_move largest = moves[0];

        moves[0] = moves[count];
        moves[count] = largest;
        sift_down(moves, 0, count, compare);
    }
}

static void sort_moves(struct resize_relocation *relocation, compare_moves *compare)
{
    size_t count = relocation->move_count;

    if (are_sorted(relocation->moves, count, compare))
        return;
    if (count > SORTED_BY_COPY)
        sort_in_place(relocation->moves, count, compare);
    else
        qsort(relocation->moves, count, sizeof *relocation->moves, compare);
}

void resize_sort_moves_by_place(struct resize_relocation *relocation)
{
    sort_moves(relocation, compare_places);
}

void resize_sort_moves_by_length(struct resize_relocation *relocation)
{
    sort_moves(relocation, compare_lengths);
}
