/*
 * Directory entries, packed into blocks one behind the other.
 */
#ifndef EXT4_TREE_PACK_H
#define EXT4_TREE_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TREE_PACK_TAIL_SIZE 12 /* the checksum's place at the end of a block of entries */

struct tree_pack {
    uint8_t *blocks;
    size_t block_count, capacity; /* blocks */
    size_t block_size;            /* bytes */
    size_t fill_limit;            /* bytes of a block that entries may take */
    size_t used;                  /* bytes of the last block; 0: it takes no entries */
    size_t last;                  /* where in it the last entry begins */
};

/* What a name takes up in a directory, in bytes. */
size_t tree_pack_entry_size(size_t name_size);

void tree_pack_init(struct tree_pack *pack, size_t block_size, size_t fill_limit);
void tree_pack_free(struct tree_pack *pack);

/* A new block of zeros at the end, which takes no entries; the one before is finished. */
int tree_pack_add_block(struct tree_pack *pack, uint8_t **ret_block, struct error *error);

/* Appends an entry, in a new block where the last one is full. */
int tree_pack_add(struct tree_pack *pack, uint32_t ino, uint8_t type, const char *name,
                  size_t name_size, struct error *error);

/* Appends a block of entries with none in it. */
int tree_pack_add_empty(struct tree_pack *pack, struct error *error);

/* The last entry of the last block takes the rest of it. */
void tree_pack_finish(struct tree_pack *pack);

/* Writes an entry of rec_size bytes to p. */
void tree_pack_encode(uint8_t *p, uint32_t ino, size_t rec_size, uint8_t type, const char *name,
                      size_t name_size);

#endif
