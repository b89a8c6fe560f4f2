#include "ext4resize/bars.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 40

static void fill(struct bars *bars, unsigned marks)
{
    for (; bars->shown < marks; bars->shown++)
        putchar('X');
    fflush(stdout);
}

static void update(struct progress *progress, const char *phase, uint64_t done, uint64_t total)
{
    struct bars *bars = (struct bars *)progress;

    if (bars->phase && strcmp(bars->phase, phase) != 0)
        bars_end(bars, true);
    if (!bars->phase) {
        printf("%-30s", phase);
        bars->phase = phase;
        bars->shown = 0;
    }
    if (total > 0)
        fill(bars, done >= total ? WIDTH : (unsigned)((double)done / (double)total * WIDTH));
}

void bars_begin(struct bars *bars)
{
    *bars = (struct bars){.progress = {.update = update}};
}

void bars_end(struct bars *bars, bool done)
{
    if (!bars->phase)
        return;
    if (done)
        fill(bars, WIDTH);
    putchar('\n');
    bars->phase = NULL;
}
