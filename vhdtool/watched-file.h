/*
 * A file that is being made: what is written to it is shown as progress, and
 * fails with ERROR_INTERRUPTED once SIGINT or SIGTERM came, so that the making
 * ends there, as after any other failure.
 */
#ifndef VHDTOOL_WATCHED_FILE_H
#define VHDTOOL_WATCHED_FILE_H

#include "base/error.h"

struct file;
struct progress;

/* Takes ownership of below, also on failure. Returns NULL and sets error when memory ran out. */
struct file *watched_file_new(struct file *below, struct progress *progress, struct error *error);

/* An error when a signal came. */
int watched_file_check_interrupted(struct error *error);

#endif
