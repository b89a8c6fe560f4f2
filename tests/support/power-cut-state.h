/*
 * One state after a power cut, as a list of what came through of the pending
 * operations; see power-cut.h.
 */
#ifndef TESTS_SUPPORT_POWER_CUT_STATE_H
#define TESTS_SUPPORT_POWER_CUT_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "tests/support/recording-file.h"

/* Which of the 512-byte sectors that a write touches came through, counted from 0. */
enum survival {
    SURVIVED_WHOLE,
    SURVIVED_HEAD,    /* those below argument */
    SURVIVED_TAIL,    /* those from argument on */
    SURVIVED_SCATTER, /* those whose bit is set in argument; further ones by chance from it */
    SURVIVED_LENGTH,  /* none, but the file got its length */
};

#define SCATTER_BITS 48

struct survivor {
    size_t operation; /* its index in the trace */
    enum survival survival;
    uint64_t argument;
};

/* How many 512-byte sectors of the file a write touches. */
uint64_t operation_sectors(const struct operation *operation);

/* True when the order of the two can be seen in the file. */
int operations_interfere(const struct operation *a, const struct operation *b);

/* The key of the state that had key once these came through, too, in this order. */
uint64_t survivors_key(uint64_t key, const struct survivor *survivors, size_t count);

/* Does to file, a memory file, what came through, in this order. */
void survivors_apply(struct file *file, const struct trace *trace, const struct survivor *survivors,
                     size_t count);

/* Does to file, a memory file, what the making or removing of a side file does. */
void operation_apply_side(struct file *file, const struct operation *operation);

#endif
