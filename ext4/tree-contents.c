#include "ext4/tree-contents.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "ext4/tree-extents.h"

static int store_data(struct tree_space *space, uint8_t *buffer, ext2_ino_t ino,
                      struct tree_data *data, uint64_t size, union tree_inode *inode,
                      struct error *error)
{
    CLEANUP(tree_extents_free) struct tree_extents extents = {0};

    if (data && tree_data_copy(data, size, buffer, space, &extents, error))
        return -1;
    inode->large.i_size = (uint32_t)size;
    inode->large.i_size_high = (uint32_t)(size >> 32);
    return tree_extents_store(&extents, space, ino, &inode->large, error);
}

static int store_file(struct tree_space *space, uint8_t *buffer, ext2_ino_t ino,
                      struct archive_entry *entry, struct tree_data *data, union tree_inode *inode,
                      struct error *error)
{
    uint64_t size = (uint64_t)archive_entry_size(entry);
    uint64_t limit = (uint64_t)space->fs->blocksize * UINT32_MAX;

    if (size > limit)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%s has %" PRIu64 " bytes (%" PRIu64 " at most in this filesystem)",
                         archive_entry_pathname(entry), size, limit);
    return store_data(space, buffer, ino, data, size, inode, error);
}

/* A target that is handed over as data, whole. */
struct target_data {
    struct tree_data base;
    const char *target; /* NULL: handed over */
};

static int next_target(struct tree_data *data, const void **ret_bytes, size_t *ret_size,
                       uint64_t *ret_offset, struct error *error)
{
    struct target_data *source = (struct target_data *)data;

    (void)error;
    if (!source->target)
        return 0;
    *ret_bytes = source->target;
    *ret_size = strlen(source->target);
    *ret_offset = 0;
    source->target = NULL;
    return 1;
}

/* A short target lies in the inode, a longer one in a block. */
static int store_symlink(struct tree_space *space, uint8_t *buffer, ext2_ino_t ino,
                         struct archive_entry *entry, union tree_inode *inode, struct error *error)
{
    const char *target = archive_entry_symlink(entry);
    size_t size = target ? strlen(target) : 0;
    struct target_data data = {.base.next = next_target, .target = target};

    if (size == 0 || size >= space->fs->blocksize)
        return error_set(error, ERROR_UNSUPPORTED,
                         "the symbolic link %s has a target of %zu bytes (1 to %u expected)",
                         archive_entry_pathname(entry), size, space->fs->blocksize - 1);
    if (size >= sizeof inode->large.i_block)
        return store_data(space, buffer, ino, &data.base, size, inode, error);
    memcpy(inode->large.i_block, target, size);
    inode->large.i_size = (uint32_t)size;
    return 0;
}

int tree_contents_store(struct tree_space *space, uint8_t *buffer, ext2_ino_t ino,
                        struct archive_entry *entry, struct tree_data *data,
                        union tree_inode *inode, struct error *error)
{
    switch (tree_inode_file_type(archive_entry_filetype(entry))) {
    case EXT2_FT_REG_FILE:
        return store_file(space, buffer, ino, entry, data, inode, error);
    case EXT2_FT_SYMLINK:
        return store_symlink(space, buffer, ino, entry, inode, error);
    case EXT2_FT_CHRDEV:
    case EXT2_FT_BLKDEV:
        tree_inode_set_device(inode, entry);
        return 0;
    default:
        return 0;
    }
}
