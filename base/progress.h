/*
 * How far something long has come: handed down by whoever can show it, called
 * by whoever does the work. Nothing here prints.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdint.h>

struct progress {
    /* done of total bytes of the phase ("copying", a constant) are done; total 0: not known. */
    void (*update)(struct progress *progress, const char *phase, uint64_t done, uint64_t total);
};

/* May be called often; progress may be NULL. */
static inline void progress_update(struct progress *progress, const char *phase, uint64_t done,
                                   uint64_t total)
{
    if (progress)
        progress->update(progress, phase, done, total);
}

#endif
