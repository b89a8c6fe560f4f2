#include "ext4/tree-names.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define FIRST_BUCKET_COUNT 1024 /* a power of two, as it stays */

static size_t hash_name(const struct tree_node *parent, const char *name, size_t size)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ (uintptr_t)parent; /* FNV-1a */

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)name[i]) * UINT64_C(1099511628211);
    return (size_t)(hash ^ hash >> 32);
}

static struct tree_node **find_bucket(const struct tree_names *names,
                                      const struct tree_node *parent, const char *name, size_t size)
{
    return &names->buckets[hash_name(parent, name, size) & (names->bucket_count - 1)];
}

/* Keeps the table at one node a bucket or less. */
static int grow(struct tree_names *names, struct error *error)
{
    struct tree_names larger = {.bucket_count = names->bucket_count * 2};

    if (names->node_count < names->bucket_count)
        return 0;
    larger.buckets = calloc(larger.bucket_count, sizeof *larger.buckets);
    if (!larger.buckets)
        return error_set_no_memory(error);
    for (size_t i = 0; i < names->bucket_count; i++) {
        struct tree_node *node = names->buckets[i];

        while (node) {
            struct tree_node *next = node->next_in_bucket;
            struct tree_node **bucket =
                find_bucket(&larger, node->parent, node->name, node->name_size);

            node->next_in_bucket = *bucket;
            *bucket = node;
            node = next;
        }
    }
    free(names->buckets);
    names->buckets = larger.buckets;
    names->bucket_count = larger.bucket_count;
    return 0;
}

static struct tree_node *new_node(const char *name, size_t size)
{
    struct tree_node *node = calloc(1, sizeof *node + size);

    if (node) {
        node->name_size = (uint8_t)size;
        memcpy(node->name, name, size);
    }
    return node;
}

/* Makes the node a directory, without names. */
static int add_directory(struct tree_names *names, struct tree_node *node, struct error *error)
{
    struct tree_directory *directory = calloc(1, sizeof *directory);

    if (!directory)
        return error_set_no_memory(error);
    directory->node = node;
    node->directory = directory;
    if (names->last)
        names->last->next = directory;
    else
        names->first = directory;
    names->last = directory;
    return 0;
}

static void append_sibling(struct tree_directory *directory, struct tree_node *node)
{
    if (directory->last)
        directory->last->next_sibling = node;
    else
        directory->first = node;
    directory->last = node;
    directory->name_count++;
}

int tree_names_init(struct tree_names *names, struct error *error)
{
    *names = (struct tree_names){.bucket_count = FIRST_BUCKET_COUNT};
    names->buckets = calloc(names->bucket_count, sizeof *names->buckets);
    names->root = new_node("", 0);
    if (!names->buckets || !names->root) {
        tree_names_free(names);
        return error_set_no_memory(error);
    }
    names->root->parent = names->root;
    names->root->ino = EXT2_ROOT_INO;
    names->root->type = EXT2_FT_DIR;
    if (add_directory(names, names->root, error)) {
        tree_names_free(names);
        return -1;
    }
    return 0;
}

void tree_names_free(struct tree_names *names)
{
    for (size_t i = 0; names->buckets && i < names->bucket_count; i++) {
        struct tree_node *node = names->buckets[i];

        while (node) {
            struct tree_node *next = node->next_in_bucket;

            free(node->directory);
            free(node);
            node = next;
        }
    }
    if (names->root)
        free(names->root->directory);
    free(names->root);
    free(names->buckets);
    *names = (struct tree_names){0};
}

struct tree_node *tree_names_find(const struct tree_names *names, const struct tree_node *parent,
                                  const char *name, size_t size)
{
    struct tree_node *node = *find_bucket(names, parent, name, size);

    while (node && !(node->parent == parent && node->name_size == size &&
                     memcmp(node->name, name, size) == 0))
        node = node->next_in_bucket;
    return node;
}

int tree_names_add(struct tree_names *names, struct tree_node *parent, const char *name,
                   size_t size, ext2_ino_t ino, uint8_t type, struct tree_node **ret_node,
                   struct error *error)
{
    CLEANUP_FREE struct tree_node *node = new_node(name, size);
    struct tree_node **bucket;

    if (!node)
        return error_set_no_memory(error);
    if (grow(names, error))
        return -1;
    node->parent = parent;
    if (tree_names_replace(names, node, ino, type, error))
        return -1;
    bucket = find_bucket(names, parent, name, size);
    node->next_in_bucket = *bucket;
    *bucket = node;
    names->node_count++;
    append_sibling(parent->directory, node);
    *ret_node = TAKE(node);
    return 0;
}

int tree_names_replace(struct tree_names *names, struct tree_node *node, ext2_ino_t ino,
                       uint8_t type, struct error *error)
{
    if (type == EXT2_FT_DIR && !node->directory) {
        if (add_directory(names, node, error))
            return -1;
        node->parent->directory->directory_count++;
    }
    node->ino = ino;
    node->type = type;
    return 0;
}
