/*
 * What the programs ask of the system about themselves: signals, the clock, the
 * terminal.
 */
#ifndef PROGRAM_PROCESS_POSIX_H
#define PROGRAM_PROCESS_POSIX_H

#include <stdbool.h>

/* From now on SIGINT and SIGTERM are only remembered; posix_interrupted says whether one came. */
void posix_catch_interrupts(void);
bool posix_interrupted(void);

/* Seconds of a clock that only goes forward. */
double posix_clock(void);

/* True when the descriptor (0, 1, 2) is a terminal. */
bool posix_is_terminal(int descriptor);

#endif
