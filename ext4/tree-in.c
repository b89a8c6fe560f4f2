#include "ext4/tree-in.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ext4/io.h"
#include "ext4/tree-attributes.h"
#include "ext4/tree-contents.h"
#include "ext4/tree-directory.h"
#include "ext4/tree-inode.h"
#include "ext4/tree-names.h"
#include "ext4/tree-space.h"

#define IMPLIED_DIRECTORY_MODE (LINUX_S_IFDIR | 0755)
#define LOST_AND_FOUND "lost+found"

struct tree_in {
    struct tree_space space;
    struct tree_names names;
    int64_t now;
    ext2_ino_t last_ino; /* its group is where to look for a free inode first */
    uint8_t *buffer;     /* TREE_DATA_BUFFER_SIZE */
};

/* The place that a path means. */
struct place {
    struct tree_node *parent;
    struct tree_node *node; /* what has the name now; NULL: nothing */
    const char *name;
    size_t name_size;
};

static int new_inode(struct tree_in *tree, uint16_t mode, const char *path, ext2_ino_t *ret_ino,
                     struct error *error)
{
    ext2_filsys fs = tree->space.fs;
    errcode_t code = ext2fs_new_inode(fs, tree->last_ino, mode, NULL, ret_ino);

    if (code)
        return tree_space_set_error(&tree->space, code, path, error);
    ext2fs_inode_alloc_stats2(fs, *ret_ino, +1, LINUX_S_ISDIR(mode));
    tree->last_ino = *ret_ino;
    return 0;
}

static int read_inode(struct tree_in *tree, ext2_ino_t ino, const char *path,
                      union tree_inode *ret_inode, struct error *error)
{
    errcode_t code = ext2fs_read_inode_full(tree->space.fs, ino, EXT2_INODE(&ret_inode->large),
                                            sizeof *ret_inode);

    return code ? tree_space_set_error(&tree->space, code, path, error) : 0;
}

static int write_inode(struct tree_in *tree, ext2_ino_t ino, const char *path,
                       union tree_inode *inode, struct error *error)
{
    errcode_t code =
        ext2fs_write_inode_full(tree->space.fs, ino, EXT2_INODE(&inode->large), sizeof *inode);

    return code ? tree_space_set_error(&tree->space, code, path, error) : 0;
}

/* The last link to a file that was replaced is gone: so are its blocks and its inode. */
static errcode_t release_inode(ext2_filsys fs, ext2_ino_t ino, union tree_inode *inode)
{
    struct ext2_inode *small = EXT2_INODE(&inode->large);
    errcode_t code = 0;

    if (inode->large.i_flags & EXT4_EXTENTS_FL)
        code = ext2fs_punch(fs, ino, small, NULL, 0, ~UINT64_C(0));
    if (!code)
        code = ext2fs_free_ext_attr(fs, ino, &inode->large);
    ext2fs_inode_alloc_stats2(fs, ino, -1, 0);
    memset(inode, 0, sizeof *inode);
    return code;
}

static int drop_link(struct tree_in *tree, ext2_ino_t ino, const char *path, struct error *error)
{
    union tree_inode inode;
    errcode_t code;

    if (read_inode(tree, ino, path, &inode, error))
        return -1;
    if (--inode.large.i_links_count == 0) {
        code = release_inode(tree->space.fs, ino, &inode);
        if (code)
            return tree_space_set_error(&tree->space, code, path, error);
    }
    return write_inode(tree, ino, path, &inode, error);
}

/* Lets the place's name stand for ino from now on. */
static int set_name(struct tree_in *tree, const struct place *place, const char *path,
                    ext2_ino_t ino, uint8_t type, struct error *error)
{
    struct tree_node *node;

    if (!place->node)
        return tree_names_add(&tree->names, place->parent, place->name, place->name_size, ino, type,
                              &node, error);
    if (drop_link(tree, place->node->ino, path, error))
        return -1;
    return tree_names_replace(&tree->names, place->node, ino, type, error);
}

/* Makes a directory of its own accord, until an entry says more about it. */
static int make_directory(struct tree_in *tree, const struct place *place, const char *path,
                          struct error *error)
{
    union tree_inode inode;
    ext2_ino_t ino;

    tree_inode_init(&inode, IMPLIED_DIRECTORY_MODE, tree->now);
    if (new_inode(tree, IMPLIED_DIRECTORY_MODE, path, &ino, error) ||
        write_inode(tree, ino, path, &inode, error))
        return -1;
    return set_name(tree, place, path, ino, EXT2_FT_DIR, error);
}

/* Sets *ret_name to the next component of *path and moves *path behind it; false at the end. */
static bool next_component(const char **path, const char **ret_name, size_t *ret_size)
{
    do {
        *path += strspn(*path, "/");
        *ret_name = *path;
        *ret_size = strcspn(*path, "/");
        *path += *ret_size;
    } while (*ret_size == 1 && **ret_name == '.');
    return *ret_size > 0;
}

static int check_component(const char *path, const char *name, size_t size, struct error *error)
{
    if (size == 2 && memcmp(name, "..", 2) == 0)
        return error_set(error, ERROR_REFUSED, "the name %s leads out of the tree", path);
    if (size > EXT2_NAME_LEN)
        return error_set(error, ERROR_UNSUPPORTED,
                         "the name %s has a part of %zu bytes (%d at most in ext4)", path, size,
                         EXT2_NAME_LEN);
    return 0;
}

/* Finds the place that path means; of the root, the parent is NULL. */
static int find_place(struct tree_in *tree, const char *path, bool make_parents,
                      struct place *ret_place, struct error *error)
{
    struct place place = {.node = tree->names.root};
    const char *rest = path, *name;
    size_t size;

    while (next_component(&rest, &name, &size)) {
        if (check_component(path, name, size, error))
            return -1;
        if (!place.node && make_parents) {
            if (make_directory(tree, &place, path, error))
                return -1;
            place.node = tree_names_find(&tree->names, place.parent, place.name, place.name_size);
        }
        if (!place.node || !place.node->directory)
            return error_set(error, ERROR_CORRUPT, "%s lies in something that is no directory",
                             path);
        place.parent = place.node;
        place.name = name;
        place.name_size = size;
        place.node = tree_names_find(&tree->names, place.parent, name, size);
    }
    *ret_place = place;
    return 0;
}

static int add_directory(struct tree_in *tree, struct place *place, struct archive_entry *entry,
                         struct error *error)
{
    const char *path = archive_entry_pathname(entry);
    union tree_inode inode;

    if (!place->node || !place->node->directory) {
        if (make_directory(tree, place, path, error))
            return -1;
        place->node = tree_names_find(&tree->names, place->parent, place->name, place->name_size);
    }
    if (read_inode(tree, place->node->ino, path, &inode, error) ||
        tree_inode_set_metadata(&inode, entry, tree->now, error) ||
        write_inode(tree, place->node->ino, path, &inode, error))
        return -1;
    return tree_attributes_store(&tree->space, place->node->ino, entry, error);
}

static int add_hard_link(struct tree_in *tree, const struct place *place, const char *path,
                         const char *target_path, struct error *error)
{
    struct place target;
    union tree_inode inode;

    if (find_place(tree, target_path, false, &target, error))
        return error_wrap(error, "hard link %s", path);
    if (!target.node || target.node->directory)
        return error_set(error, ERROR_CORRUPT, "%s is a hard link to %s, which is no file here",
                         path, target_path);
    if (target.node == place->node)
        return 0;
    if (read_inode(tree, target.node->ino, path, &inode, error))
        return -1;
    if (inode.large.i_links_count >= EXT2_LINK_MAX)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%s has too many hard links (%d at most in ext4)", target_path,
                         EXT2_LINK_MAX);
    inode.large.i_links_count++;
    if (write_inode(tree, target.node->ino, path, &inode, error))
        return -1;
    return set_name(tree, place, path, target.node->ino, target.node->type, error);
}

/* Everything that is neither a directory nor a link to something that is here. */
static int add_file(struct tree_in *tree, const struct place *place, struct archive_entry *entry,
                    struct tree_data *data, struct error *error)
{
    const char *path = archive_entry_pathname(entry);
    uint16_t mode = (uint16_t)archive_entry_mode(entry);
    union tree_inode inode;
    ext2_ino_t ino;

    tree_inode_init(&inode, mode, tree->now);
    if (new_inode(tree, mode, path, &ino, error) ||
        tree_inode_set_metadata(&inode, entry, tree->now, error) ||
        tree_contents_store(&tree->space, tree->buffer, ino, entry, data, &inode, error) ||
        write_inode(tree, ino, path, &inode, error) ||
        tree_attributes_store(&tree->space, ino, entry, error))
        return -1;
    return set_name(tree, place, path, ino, tree_inode_file_type(mode), error);
}

int tree_in_add(struct tree_in *tree, struct archive_entry *entry, struct tree_data *data,
                struct error *error)
{
    const char *path = archive_entry_pathname(entry);
    const char *target = archive_entry_hardlink(entry);
    uint8_t type = tree_inode_file_type(archive_entry_filetype(entry));
    struct place place;

    if (!path)
        return error_set(error, ERROR_CORRUPT, "an entry of the tree has no name");
    if (find_place(tree, path, true, &place, error))
        return -1;
    if (!target && type == EXT2_FT_UNKNOWN)
        return error_set(error, ERROR_UNSUPPORTED, "%s is of a kind that ext4 doesn't have", path);
    if (!target && type == EXT2_FT_DIR)
        return add_directory(tree, &place, entry, error);
    if (place.node && place.node->directory)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%s is a directory and something else in the same tree", path);
    if (target)
        return add_hard_link(tree, &place, path, target, error);
    return add_file(tree, &place, entry, data, error);
}

/* The directory that mkfs made, under its name. */
static int add_lost_and_found(struct tree_in *tree, struct error *error)
{
    const int size = (int)strlen(LOST_AND_FOUND);
    struct tree_node *node;
    ext2_ino_t ino = 0;
    errcode_t code = ext2fs_lookup(tree->space.fs, EXT2_ROOT_INO, LOST_AND_FOUND, size, NULL, &ino);

    if (code)
        return ext4_set_error(error, tree->space.io, code, "can't find " LOST_AND_FOUND);
    return tree_names_add(&tree->names, tree->names.root, LOST_AND_FOUND, (size_t)size, ino,
                          EXT2_FT_DIR, &node, error);
}

int tree_in_new(ext2_filsys fs, const struct ext4_io *io, struct tree_in **ret_tree,
                struct error *error)
{
    CLEANUP(cleanup_tree_in) struct tree_in *tree = calloc(1, sizeof *tree);

    if (!tree)
        return error_set_no_memory(error);
    tree->space = (struct tree_space){.fs = fs, .io = io};
    tree->now = fs->now;
    tree->last_ino = EXT2_ROOT_INO;
    tree->buffer = malloc(TREE_DATA_BUFFER_SIZE);
    if (!tree->buffer)
        return error_set_no_memory(error);
    if (tree_names_init(&tree->names, error) || add_lost_and_found(tree, error))
        return -1;
    *ret_tree = TAKE(tree);
    return 0;
}

int tree_in_finish(struct tree_in *tree, struct error *error)
{
    for (struct tree_directory *directory = tree->names.first; directory;
         directory = directory->next)
        if (tree_directory_write(&tree->space, directory, error))
            return -1;
    return 0;
}

bool tree_in_is_full(const struct tree_in *tree)
{
    return tree->space.full;
}

void tree_in_free(struct tree_in *tree)
{
    if (!tree)
        return;
    tree_names_free(&tree->names);
    free(tree->buffer);
    free(tree);
}
