/*
 * Progress on stdout as resize2fs -p shows it: a line for each phase, in which a
 * bar fills up. Nothing is taken back, so that a log of it reads well.
 */
#ifndef EXT4RESIZE_BARS_H
#define EXT4RESIZE_BARS_H

#include <stdbool.h>

#include "base/progress.h"

struct bars {
    struct progress progress; /* to be passed down: &bars.progress */
    const char *phase;        /* whose line is open; NULL: none */
    unsigned shown;           /* marks of it */
};

void bars_begin(struct bars *bars);

/* Ends an open line, with its bar filled where the phase is done; to be called before any other is
 * printed. */
void bars_end(struct bars *bars, bool done);

#endif
