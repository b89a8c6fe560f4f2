/*
 * Which known word a typo was probably meant for.
 */
#ifndef VHDTOOL_NEAREST_H
#define VHDTOOL_NEAREST_H

struct nearest {
    const char *typo;
    const char *word; /* the nearest so far; NULL: none is near */
    unsigned distance;
};

struct nearest nearest_begin(const char *typo);
void nearest_consider(struct nearest *nearest, const char *word);

/* How many letters to insert, remove, replace or swap with the next make one word the other.
 * UINT_MAX for words too long for anybody to have meant. */
unsigned edit_distance(const char *a, const char *b);

#endif
