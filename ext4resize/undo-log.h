/*
 * An undo file of e2fsprogs: what blocks of a filesystem held before they were
 * overwritten. `e2undo` writes them back. Source: e2fsprogs lib/ext2fs/undo_io.c,
 * misc/e2undo.c.
 *
 * In blocks of 4 KiB: the header; a copy of the superblock, by which e2undo tells that
 * the filesystem is in the state that the file undoes; then key blocks, each followed by
 * the contents that its keys name. Key block and header are written by undo_log_save:
 * until then, what was added isn't part of the file.
 */
#ifndef EXT4RESIZE_UNDO_LOG_H
#define EXT4RESIZE_UNDO_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct undo_log;

#define UNDO_BLOCK_SIZE 4096 /* bytes: of the undo file and in its keys */
#define UNDO_SUPER_OFFSET 1024
#define UNDO_SUPER_SIZE 1024

/* Begins a file of a name that is free, or that an empty file has. It gets the name with the first
 * undo_log_save; before that, freeing removes it. NULL sets error: ERROR_REFUSED. */
struct undo_log *undo_log_create(const char *path, struct error *error);

/* ERROR_REFUSED when its host has no room for size bytes of contents. */
int undo_log_check_space(struct undo_log *log, uint64_t size, struct error *error);

/* Adds what the image holds from block on: size bytes, the image's end or whole blocks. */
int undo_log_add(struct undo_log *log, uint64_t block, const uint8_t *contents, size_t size,
                 struct error *error);

/* All that was added is durable when it returns 0. super: the superblock's UNDO_SUPER_SIZE bytes as
 * they are now. finished: the filesystem stays as it is now. */
int undo_log_save(struct undo_log *log, const uint8_t *super, bool finished, struct error *error);

/* NULL is fine. */
void undo_log_free(struct undo_log *log);

#endif
