#include "ext4resize/bars.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 40

static void update(struct progress *progress, const char *phase, uint64_t done, uint64_t total)
{
    struct bars *bars = (struct bars *)progress;
    unsigned marks = 0;

    if (total > 0)
        marks = done >= total ? WIDTH : (unsigned)((double)done / (double)total * WIDTH);
    if (bars->phase && strcmp(bars->phase, phase) != 0)
        bars_end(bars);
    if (!bars->phase) {
        printf("%-30s", phase);
        bars->phase = phase;
        bars->shown = 0;
    }
    for (; bars->shown < marks; bars->shown++)
        putchar('X');
    fflush(stdout);
}

void bars_begin(struct bars *bars)
{
    *bars = (struct bars){.progress = {.update = update}};
}

void bars_end(struct bars *bars)
{
    if (bars->phase)
        putchar('\n');
    bars->phase = NULL;
}
