/*
 * A file that passes everything on to another until its call number N fails; the
 * calls of its side file count along.
 * A test runs a function with N = 1, 2, 3 ... until a run meets no failure:
 * then every call has failed once.
 *
 *     do {
 *         failure.calls = 0, failure.happened = false, failure.call++;
 *         result = function_under_test(failing_file_new(snapshot, &failure), &error);
 *         ...
 *     } while (failure.happened);
 */
#ifndef TESTS_SUPPORT_FAILING_FILE_H
#define TESTS_SUPPORT_FAILING_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct file;

struct failure {
    uint64_t call;     /* the call that fails, counted from 1; 0: none */
    int errno_value;   /* EIO, ENOSPC, ... */
    bool for_good;     /* all calls after it fail too */
    bool changes_only; /* counts what changes and flushes; else read, get_size and the opening of a
                          side file as well */
    bool half_a_write; /* a write that fails has stored the first half of its bytes */
    bool full_host;    /* beside these, all that would make the file longer fails */
    uint64_t calls;    /* out: counted so far */
    bool happened;     /* out */
};

/* failure must outlive the file, which owns below. Never NULL. */
struct file *failing_file_new(struct file *below, struct failure *failure);

#endif
