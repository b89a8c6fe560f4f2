/*
 * What tests do on the host: temporary files, and running other programs.
 */
#ifndef TESTS_SUPPORT_HOST_H
#define TESTS_SUPPORT_HOST_H

#include "base/error.h"

/* Makes an empty file in /dev/shm where that is there, else in $TMPDIR, else in /tmp. Returns its
 * path, the caller's to unlink and free, or NULL. *ret_descriptor is open for reading and writing
 * and the caller's to close; ret_descriptor may be NULL. */
char *host_temporary_file(int *ret_descriptor, struct error *error);

/* Runs arguments[0], looked for in $PATH and where administrators' programs are, with an empty
 * input and in the C locale. *ret_status is the exit status, or 128 and the number of the signal
 * that ended it; *ret_output, which may be NULL, what it printed on both outputs, the caller's to
 * free. A program that isn't there is an error, one that exits with another status than 0 isn't. */
int host_run(const char *const arguments[], int *ret_status, char **ret_output,
             struct error *error);

#endif
