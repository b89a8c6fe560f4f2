/*
 * The words that all programs have in common: errors, what state an image is
 * in, and what every one of them takes from its environment.
 */
#ifndef PROGRAM_WORDS_H
#define PROGRAM_WORDS_H

#include <stdint.h>

#include "base/error.h"

struct resize_state;

#define PROGRAM_VERSION "0.1.0"

/* Prints "PROGRAM: OBJECT: sentence" on stderr and, on a line of its own, the remedy. object: NULL
 * for what concerns none. state: what the image is in now ("the image is untouched"), or NULL. */
void program_print_error(const char *program, const char *object, const struct error *error,
                         const char *state);

/* What a resize that failed has left, for program_print_error. */
const char *program_state_text(const struct resize_state *state);

/* Replaces control characters but line ends: names on a disk may hold any, and a terminal would
 * obey them. What program_print_error prints has gone through it. */
void program_clean_text(char *text);

/* Flushes stdout. An error when something printed there didn't arrive. */
int program_finish_output(struct error *error);

/* The present, in seconds since 1970; what SOURCE_DATE_EPOCH says where that is set, which may be
 * no time: ERROR_USAGE. */
int program_now(uint32_t *ret_seconds, struct error *error);

/* The text of SOURCE_DATE_EPOCH as seconds since 1970. ERROR_USAGE. */
int program_read_epoch(const char *text, uint32_t *ret_seconds, struct error *error);

#endif
