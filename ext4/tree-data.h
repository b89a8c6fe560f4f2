/*
 * A file's contents on their way in: pieces from wherever they come, in
 * ascending order; what no piece covers is a hole.
 */
#ifndef EXT4_TREE_DATA_H
#define EXT4_TREE_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ext4/tree-extents.h"
#include "ext4/tree-space.h"

/* A source embeds this as its first member. */
struct tree_data {
    /* The next piece: 1 and where it is and goes (the bytes stay valid until the next call), 0 at
     * the end, -1 and the error. */
    int (*next)(struct tree_data *data, const void **ret_bytes, size_t *ret_size,
                uint64_t *ret_offset, struct error *error);
};

/* What is collected before it is written. */
#define TREE_DATA_BUFFER_SIZE (UINT64_C(1) << 20)

/* Copies what lies below size bytes into blocks of their own. buffer has TREE_DATA_BUFFER_SIZE
 * bytes. */
int tree_data_copy(struct tree_data *data, uint64_t size, uint8_t *buffer, struct tree_space *space,
                   struct tree_extents *ret_extents, struct error *error);

#endif
