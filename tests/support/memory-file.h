/*
 * A file in memory. It is kept in pages of 64 KiB; those that are absent read
 * as zeros, and a page of zeros isn't stored until something else lands in it,
 * so a file of 1 TiB that holds a few MiB costs a few MiB.
 *
 * A snapshot shares the pages with its origin until either is written to:
 * taking one costs 16 bytes a page. Not for use by several threads at once.
 */
#ifndef TESTS_SUPPORT_MEMORY_FILE_H
#define TESTS_SUPPORT_MEMORY_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct file;

#define MEMORY_FILE_PAGE_SIZE UINT64_C(65536)

/* A file of size zeros, open for writing (tests may clear its writable). Never NULL. */
struct file *memory_file_new(uint64_t size);

/* A file of its own with the contents that file, a memory file, has now, and its side file has.
 * Never NULL. */
struct file *memory_file_snapshot(const struct file *file);

/* True when both, memory files, have the same size and the same bytes, and so have their side
 * files. */
bool memory_file_equal(const struct file *a, const struct file *b);

/* The side file, a memory file that stays the file's, or NULL. */
struct file *memory_file_side(const struct file *file);

/* The first byte in which two memory files differ, or the smaller size. */
uint64_t memory_file_difference(const struct file *a, const struct file *b);

/* Storage that the pages take up, in bytes; those that snapshots share count in each. */
uint64_t memory_file_stored_size(const struct file *file);

/* What host_facts says is free from now on; at first 1 EiB. Writes don't look at it. */
void memory_file_set_free_space(struct file *file, uint64_t bytes);

/* The contents of a host's file; holes cost nothing. NULL sets error. */
struct file *memory_file_load(const char *path, struct error *error);

/* Writes the contents to a host's file, which is replaced; zeros become holes. */
int memory_file_store(const struct file *file, const char *path, struct error *error);

#endif
