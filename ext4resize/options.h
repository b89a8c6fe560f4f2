/*
 * The words of the command line: resize2fs's, as getopt takes them, and a few
 * long ones.
 */
#ifndef EXT4RESIZE_OPTIONS_H
#define EXT4RESIZE_OPTIONS_H

#include <stdbool.h>

struct options {
    bool force, flush, show_progress;
    bool to_minimum, print_minimum;
    bool to_64bit, to_32bit;
    bool dry_run, help, version;
    long debug;       /* flags; 0: none */
    long stride;      /* of a RAID, in blocks; -1: not given */
    const char *undo; /* the undo file; NULL: none */
    const char *device;
    const char *size; /* NULL: the device's */
};

/* Returns 0, or -1 when the words are wrong: getopt has then said on stderr which option is. With
 * help or version set, device may be missing. */
int options_parse(int argc, char **argv, struct options *ret_options);

/* The line that tells how it is used, and the help, with their line ends. */
extern const char options_usage[];
extern const char options_help[];

#endif
