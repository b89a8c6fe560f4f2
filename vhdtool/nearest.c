#include "vhdtool/nearest.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#define LONGEST 32

static unsigned min_unsigned(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: Levenshtein's distance with transpositions. */
unsigned edit_distance(const char *a, const char *b)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    unsigned cost[LONGEST + 1][LONGEST + 1];

    if (a_length > LONGEST || b_length > LONGEST)
        return UINT_MAX;
    for (size_t i = 0; i <= a_length; i++)
        cost[i][0] = (unsigned)i;
    for (size_t j = 0; j <= b_length; j++)
        cost[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        for (size_t j = 1; j <= b_length; j++) {
            unsigned replace = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

            cost[i][j] = min_unsigned(replace, min_unsigned(cost[i - 1][j], cost[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = min_unsigned(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a_length][b_length];
}

/* A third of the letters may be wrong, two where the word is short. */
struct nearest nearest_begin(const char *typo)
{
    unsigned tolerated = (unsigned)(strlen(typo) / 3);

    return (struct nearest){.typo = typo, .distance = (tolerated < 2 ? 2 : tolerated) + 1};
}

void nearest_consider(struct nearest *nearest, const char *word)
{
    unsigned distance = edit_distance(nearest->typo, word);

    if (distance < nearest->distance && distance < strlen(word)) {
        nearest->distance = distance;
        nearest->word = word;
    }
}
