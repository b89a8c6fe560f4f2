/*
 * A file whose old contents are saved in an undo file (ext4resize/undo-log.h) before
 * they are overwritten, zeroed or cut off: every block of it, once.
 *
 * What is written is held back in memory until a flush, or until it is much. Then
 * the old contents of it all are made durable in the undo file first, and the
 * writes are let through: one flush of the undo file serves many writes, and at every
 * moment it holds all that is overwritten. What the file grows by has no old contents.
 */
#ifndef EXT4RESIZE_UNDO_FILE_H
#define EXT4RESIZE_UNDO_FILE_H

#include <stdint.h>

#include "base/error.h"

struct file;

/* path: of the undo file, which is free or empty; it is there from the first change on.
 * Takes ownership of below, also on failure. NULL sets error. */
struct file *undo_file_new(struct file *below, const char *path, struct error *error);

/* Lets through what is held back, and marks the undo file as finished: what is in the file now is
 * what e2undo expects. To be called before the file is closed; nothing is changed after it. */
int undo_file_finish(struct file *file, struct error *error);

/* ERROR_REFUSED when the undo file's host has no room for size bytes of old contents. Running out
 * of it half-way would be safe as well, but late. */
int undo_file_check_space(struct file *file, uint64_t size, struct error *error);

/* How long the file was at first. */
uint64_t undo_file_old_size(const struct file *file);

#endif
