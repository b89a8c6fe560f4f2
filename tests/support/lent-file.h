/*
 * A file that passes everything on to another and doesn't close it: what a disk
 * has done to a file can be looked at after the disk is closed.
 */
#ifndef TESTS_SUPPORT_LENT_FILE_H
#define TESTS_SUPPORT_LENT_FILE_H

struct file;

/* below stays the caller's, and outlives the file. Never NULL. */
struct file *lent_file_new(struct file *below);

#endif
