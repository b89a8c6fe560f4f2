/*
 * Resizing an image as a program does it, for tests that disturb it: an image
 * with a filesystem in which blocks and inodes have to move, the run, and what it did.
 */
#ifndef TESTS_SUPPORT_RESIZE_SCENARIO_H
#define TESTS_SUPPORT_RESIZE_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "resize/run.h"

struct file;
struct judge;

struct resize_scenario {
    const char *name;
    const char *mkfs_options;
    const char *contents; /* words of fragmented-filesystem.py, from FILES on */
    uint64_t fs_size;     /* bytes */
    bool is_vhdx;         /* whose disk keeps its size when the filesystem shrinks; else raw */
    struct resize_request request;
    uint64_t pack_unit;   /* bytes: packed with units of that size, and not resized; 0: not */
    uint64_t batch_bytes; /* see resize/run.h */
    size_t moves, inode_moves, vacated, table_moves, xattrs, late, begun; /* expected at least */
};

/* What a run did. */
struct resize_outcome {
    struct resize_state state;
    uint64_t fs_size, disk_size; /* that it leads to, bytes */
    size_t moves, inode_moves, vacated, table_moves, xattrs,
        late;     /* of its plan; late: moves and nodes */
    size_t begun; /* transactions before the copies */
};

/* One of the list in resize-scenario-list.c; the test ends when there is none of that name. */
const struct resize_scenario *resize_scenario_find(const char *name);

/* What the next run would have to finish, or an error's message; NULL: nothing. */
const char *resize_scenario_unfinished(const struct file *file, struct error *error);

/* Whether the run did as much as the scenario is there for. */
bool resize_scenario_is_met(const struct resize_scenario *scenario,
                            const struct resize_outcome *outcome);

/* The image, a memory file. NULL: *error says what the host lacks. */
struct file *resize_scenario_image(const struct resize_scenario *scenario, struct error *error);

/* For its states: of a scenario with wide trees the old ones have them. */
struct judge *resize_scenario_judge(const struct resize_scenario *scenario, struct error *error);

/* Opens the image in file, which it owns from now on, makes the plan and carries it out.
 * interrupt_at: the number of the transaction at whose beginning a signal is seen; 0: none. */
int resize_scenario_run(const struct resize_scenario *scenario, struct file *file,
                        size_t interrupt_at, struct resize_outcome *ret_outcome,
                        struct error *error);

#endif
