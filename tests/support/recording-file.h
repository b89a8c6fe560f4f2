/*
 * A file that passes everything on to another and keeps what changes it: the
 * writes with their bytes, the changes of size, and the flushes, in order, those
 * of its side file among them.
 * Together with the contents at the start this is all that a power cut can
 * leave behind (power-cut.h makes the states).
 */
#ifndef TESTS_SUPPORT_RECORDING_FILE_H
#define TESTS_SUPPORT_RECORDING_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file;

enum operation_kind {
    OPERATION_WRITE,
    OPERATION_SET_SIZE,
    OPERATION_FLUSH,
    OPERATION_CREATE_SIDE,
    OPERATION_REMOVE_SIDE,
};

struct operation {
    enum operation_kind kind;
    bool is_side;    /* it was done to the side file */
    bool extends;    /* a write that ended beyond what was the file's end when it came */
    uint64_t offset; /* of a write, in bytes; else 0 */
    uint64_t size;   /* of a write, or the file's new one, in bytes; of a flush 0 */
    uint8_t *bytes;  /* of a write; NULL: zeros */
};

/* Zero-initialise; trace_clear frees what it holds. */
struct trace {
    struct file *start; /* a memory file: the contents before the first operation */
    struct operation *operations;
    size_t count, capacity;
};

/* Records into trace, which must be empty and outlive the file. below is a memory file; the
 * recording file owns it. Only what succeeds is recorded. Never NULL. */
struct file *recording_file_new(struct file *below, struct trace *trace);

void trace_clear(struct trace *trace);

#endif
