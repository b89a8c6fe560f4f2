/*
 * One error object, handed down as the last parameter. The function that knows
 * the facts (object, value, what was expected) sets it once and returns -1;
 * callers pass it up, and may put a word in front. Nothing here prints.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum error_kind {
    ERROR_NONE = 0,
    ERROR_SYSTEM,      /* the host failed: I/O error, no such file, no memory */
    ERROR_NO_SPACE,    /* the host's filesystem is full */
    ERROR_BUSY,        /* somebody else holds the image */
    ERROR_NOT_IMAGE,   /* the file is none that this tool knows */
    ERROR_CORRUPT,     /* the bytes contradict the format */
    ERROR_UNSUPPORTED, /* valid, but this tool can't do it */
    ERROR_REFUSED,     /* a safety check said no; nothing was written */
    ERROR_USAGE,       /* the words of the command line are wrong */
    ERROR_INTERRUPTED, /* SIGINT or SIGTERM */
};

struct error {
    enum error_kind kind;
    char message[640]; /* one sentence without a full stop: what is wrong (what was expected) */
    char remedy[320];  /* what the user can do, or empty */
};

/* Sets kind and sentence, drops an earlier remedy. Always returns -1. */
int error_set(struct error *error, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set, from an errno value: ENOSPC and EDQUOT become ERROR_NO_SPACE, the rest
 * ERROR_SYSTEM; ": " and the system's text follow the sentence. Always returns -1. */
int error_set_errno(struct error *error, int errno_value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set for exhausted memory. Always returns -1. */
int error_set_no_memory(struct error *error);

/* Adds the remedy to an error that is set. Always returns -1. */
int error_set_remedy(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " in front of the sentence. Always returns -1. */
int error_wrap(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
