/*
 * The names of a tree on its way in, in memory until the directories are
 * written at the end: so entries may come in any order, a hard link finds its
 * target by path, and a directory is laid out once, with all its names known.
 * About 80 bytes a name.
 */
#ifndef EXT4_TREE_NAMES_H
#define EXT4_TREE_NAMES_H

#include <ext2fs/ext2fs.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tree_directory;

struct tree_node {
    struct tree_node *parent;         /* the root is its own */
    struct tree_node *next_in_bucket; /* of the hash table */
    struct tree_node *next_sibling;
    struct tree_directory *directory; /* NULL: none */
    ext2_ino_t ino;
    uint8_t type; /* EXT2_FT_ */
    uint8_t name_size;
    char name[];
};

/* The part of a node that only directories have. */
struct tree_directory {
    struct tree_node *node;
    struct tree_directory *next; /* in the order in which they came */
    struct tree_node *first, *last;
    uint32_t name_count, directory_count;
};

struct tree_names {
    struct tree_node **buckets;
    size_t bucket_count, node_count;
    struct tree_node *root;
    struct tree_directory *first, *last; /* all directories, the root first */
};

/* Makes the names of an empty tree. */
int tree_names_init(struct tree_names *names, struct error *error);
void tree_names_free(struct tree_names *names);

/* NULL: the directory has no such name. */
struct tree_node *tree_names_find(const struct tree_names *names, const struct tree_node *parent,
                                  const char *name, size_t size);

/* Adds a name that isn't there yet; size is 1 to EXT2_NAME_LEN. */
int tree_names_add(struct tree_names *names, struct tree_node *parent, const char *name,
                   size_t size, ext2_ino_t ino, uint8_t type, struct tree_node **ret_node,
                   struct error *error);

/* The name now stands for another inode; a directory stays what it is. */
int tree_names_replace(struct tree_names *names, struct tree_node *node, ext2_ino_t ino,
                       uint8_t type, struct error *error);

#endif
