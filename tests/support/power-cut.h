/*
 * What a power cut can leave. Given the trace of a recording file, goes through
 * the cut points (before the first operation, and after each), and for each
 * makes files as a disk might hold them then.
 *
 * A file and its side file are one trace, and a state has both. Everything done
 * to one of them before its own last flush which returned is there; a side file
 * is there, or is gone, from the call that did it on. The rest is pending, and of
 * it any part may be there, in any order:
 *   - each write whole, torn at 512 bytes (any subset of the sectors that it
 *     touches), not at all, or, where it made the file longer, as length alone;
 *   - each change of size or not;
 *   - a later one without an earlier one; where two touch the same place (or
 *     one of them is a change of size), either may come last.
 *
 * The subsets are too many, so each cut gets: none; all; all with the last one
 * torn; each first n of the pending ones; each single one alone; all but each
 * single one; all in reverse order, where order matters; and random ones. What
 * was made for one cut isn't made again for another.
 */
#ifndef TESTS_SUPPORT_POWER_CUT_H
#define TESTS_SUPPORT_POWER_CUT_H

#include <stddef.h>
#include <stdint.h>

struct file;
struct trace;

struct power_cut_options {
    size_t random_states; /* for each cut */
    size_t cut_limit;     /* cuts tried at most, evenly spaced; 0: all */
    size_t state_limit;   /* of each systematic kind, for each cut, evenly spaced; 0: all */
    uint64_t seed;        /* of the random states */
};

struct power_cut_counts {
    uint64_t cuts, states; /* tried */
};

/* Looks at one state: a memory file, which it owns from now on. what says which state it is,
 * until the function returns. Anything but 0 ends the walk. */
typedef int power_cut_visit(struct file *state, const char *what, void *context);

/* Returns 0, or what visit returned last. ret_counts may be NULL. */
int power_cut_walk(const struct trace *trace, const struct power_cut_options *options,
                   power_cut_visit *visit, void *context, struct power_cut_counts *ret_counts);

#endif
