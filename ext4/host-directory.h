/*
 * Walking a directory tree of the host, and reading its files. One directory is
 * open at a time, however deep it goes, and nothing is looked up by a path that
 * could grow too long or lead elsewhere.
 */
#ifndef EXT4_HOST_DIRECTORY_H
#define EXT4_HOST_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "ext4/tree-data.h"

/* One directory on the way from the top to where the walk is. */
struct host_level {
    char **names; /* in byte order */
    size_t name_count, next;
    dev_t device;
    ino_t inode;
    size_t path_size; /* of the part of the path that leads here */
};

struct host_walk {
    int fd; /* the directory that the walk is in */
    struct host_level *levels;
    size_t depth, capacity;
    char *path; /* of the last name, from the top: "" is the top itself */
    size_t path_capacity;
    const char *top; /* for messages */
};

/* Starts at the directory top, whose facts are in *ret_facts. */
int host_walk_open(struct host_walk *walk, const char *top, struct stat *ret_facts,
                   struct error *error);

/* The next name of this directory, or, where there is none left, of the one above: 1, its path
 * in walk->path and its facts (links aren't followed); 0 at the end of the tree. */
int host_walk_next(struct host_walk *walk, const char **ret_name, struct stat *ret_facts,
                   struct error *error);

/* Opens the name that came last for reading, and doesn't follow a link that has taken its place:
 * the descriptor, or -1. */
int host_walk_open_name(const struct host_walk *walk, const char *name, const struct stat *facts,
                        struct error *error);

/* Closes what host_walk_open_name opened; -1 is fine. */
void host_walk_close_name(int fd);

/* The walk goes on in the directory that came last and is open as fd, which it takes over. */
int host_walk_enter(struct host_walk *walk, int fd, const struct stat *facts, struct error *error);

/* Says what the host says about the name that came last. Always returns -1. */
int host_walk_set_error(const struct host_walk *walk, int errno_value, const char *what,
                        struct error *error);

void host_walk_close(struct host_walk *walk);

/*
 * An open file of the walk as the data of a tree's file: what lies between its
 * holes, read at first hand.
 */
#define HOST_FILE_BUFFER_SIZE (UINT64_C(1) << 18)

struct host_file {
    struct tree_data data;
    const struct host_walk *walk; /* stands at the file's name, for messages */
    int fd;
    uint64_t offset, data_end, size; /* bytes */
    uint8_t *buffer;
};

/* The first size bytes of the file that is open as fd, or less where it has become shorter;
 * buffer has HOST_FILE_BUFFER_SIZE bytes. Nothing is to be closed. */
void host_file_init(struct host_file *file, const struct host_walk *walk, int fd, uint64_t size,
                    uint8_t *buffer);

#endif
