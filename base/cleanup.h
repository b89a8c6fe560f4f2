/*
 * Scope-exit cleanup instead of ladders of labels. A cleanup function takes a
 * pointer to the variable; destructors take NULL.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

static inline void cleanup_free(void *p)
{
    free(*(void **)p);
}

/* The memory that the variable points to is freed at the end of its scope. */
#define CLEANUP_FREE CLEANUP(cleanup_free)

/* Hands ownership out of a variable with a cleanup: returns its value, leaves NULL. */
#define TAKE(variable)                            \
    (__extension__({                              \
        __typeof__(variable) taken_ = (variable); \
        (variable) = NULL;                        \
        taken_;                                   \
    }))

#endif
