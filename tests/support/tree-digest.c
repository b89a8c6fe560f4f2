#include "tests/support/tree-digest.h"

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "tests/support/must.h"

#define PIECE_SIZE ((size_t)EXT2_MIN_BLOCK_SIZE)
#define DEEPEST 200 /* folders within each other: deeper is a circle */

struct name {
    char *path;
    ext2_ino_t inode;
};

struct tree {
    ext2_filsys fs;
    struct name *names;
    size_t count, capacity;
    char *folder; /* whose names are being listed */
};

static void add_name(struct tree *tree, const char *text, int length, ext2_ino_t inode)
{
    size_t size = strlen(tree->folder) + (size_t)length + 2;
    char *path = must_allocate(size);

    if (tree->count == tree->capacity) {
        tree->capacity = tree->capacity * 2 + 256;
        tree->names = must_resize(tree->names, tree->capacity, sizeof *tree->names);
    }
    snprintf(path, size, "%s/%.*s", tree->folder, length, text);
    tree->names[tree->count++] = (struct name){path, inode};
}

/* The entry's kind says nothing in folders with inline data: "." and ".." go by name. */
static int list_name(ext2_ino_t folder, int entry, struct ext2_dir_entry *dirent, int offset,
                     int block_size, char *buffer, void *private)
{
    int length = ext2fs_dirent_name_len(dirent);

    (void)folder;
    (void)entry;
    (void)offset;
    (void)block_size;
    (void)buffer;
    if (length > 2 || memcmp(dirent->name, "..", (size_t)length) != 0)
        add_name(private, dirent->name, length, dirent->inode);
    return 0;
}

/* Lists a folder and those in it. */
static errcode_t list_folder(struct tree *tree, ext2_ino_t inode, const char *path, int depth)
{
    size_t first = tree->count, end;
    errcode_t code;

    if (depth > DEEPEST)
        return EXT2_ET_DIR_CORRUPTED;
    tree->folder = (char *)(uintptr_t)path;
    code = ext2fs_dir_iterate2(tree->fs, inode, 0, NULL, list_name, tree);
    end = tree->count;
    for (size_t i = first; i < end && !code; i++) {
        code = ext2fs_check_directory(tree->fs, tree->names[i].inode);
        if (code == EXT2_ET_NO_DIRECTORY)
            code = 0;
        else if (!code)
            code = list_folder(tree, tree->names[i].inode, tree->names[i].path, depth + 1);
    }
    return code;
}

/* Takes in the pieces that aren't zeros: as small as the smallest block, so that the digest is the
 * same whatever the block size. */
static void add_block(struct digest *digest, uint64_t offset, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += PIECE_SIZE) {
        size_t piece = size - at < PIECE_SIZE ? size - at : PIECE_SIZE;

        if (bytes_are_zero(bytes + at, piece))
            continue;
        digest_add_number(digest, offset + at);
        digest_add(digest, bytes + at, piece);
    }
}

struct block_reader {
    struct digest *digest;
    uint8_t *buffer; /* one block */
    errcode_t code;
};

static int take_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t number, blk64_t reference,
                      int reference_offset, void *private)
{
    struct block_reader *reader = private;

    (void)reference;
    (void)reference_offset;
    reader->code = io_channel_read_blk64(fs->io, *block, 1, reader->buffer);
    if (reader->code)
        return BLOCK_ABORT;
    add_block(reader->digest, (uint64_t)number * fs->blocksize, reader->buffer, fs->blocksize);
    return 0;
}

/* The contents of a file that is mapped by blocks. */
static errcode_t add_blocks(struct digest *digest, ext2_filsys fs, ext2_ino_t inode)
{
    CLEANUP_FREE uint8_t *buffer = must_allocate(fs->blocksize);
    struct block_reader reader = {digest, buffer, 0};
    errcode_t code = ext2fs_block_iterate3(fs, inode, BLOCK_FLAG_READ_ONLY | BLOCK_FLAG_DATA_ONLY,
                                           NULL, take_block, &reader);

    return code ? code : reader.code;
}

static errcode_t add_extent(struct digest *digest, ext2_filsys fs,
                            const struct ext2fs_extent *extent, uint8_t *buffer)
{
    for (uint32_t i = 0; i < extent->e_len; i++) {
        errcode_t code = io_channel_read_blk64(fs->io, extent->e_pblk + i, 1, buffer);

        if (code)
            return code;
        add_block(digest, (extent->e_lblk + i) * fs->blocksize, buffer, fs->blocksize);
    }
    return 0;
}

/* The contents of a file that is mapped by extents; what is unwritten reads as zeros. */
static errcode_t add_extents(struct digest *digest, ext2_filsys fs, ext2_ino_t inode)
{
    CLEANUP_FREE uint8_t *buffer = must_allocate(fs->blocksize);
    struct ext2fs_extent extent;
    ext2_extent_handle_t handle;
    errcode_t code = ext2fs_extent_open(fs, inode, &handle);
    int step = EXT2_EXTENT_ROOT;

    if (code)
        return code;
    while (!(code = ext2fs_extent_get(handle, step, &extent))) {
        step = EXT2_EXTENT_NEXT;
        if ((extent.e_flags & EXT2_EXTENT_FLAGS_LEAF) &&
            !(extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT) &&
            (code = add_extent(digest, fs, &extent, buffer)))
            break;
    }
    ext2fs_extent_free(handle);
    return code == EXT2_ET_EXTENT_NO_NEXT || code == EXT2_ET_NO_CURRENT_NODE ? 0 : code;
}

static errcode_t add_inline(struct digest *digest, ext2_filsys fs, ext2_ino_t number,
                            struct ext2_inode *inode)
{
    size_t size = (size_t)EXT2_I_SIZE(inode);
    CLEANUP_FREE uint8_t *buffer = must_allocate(size + EXT2_N_BLOCKS * 4 + PIECE_SIZE);
    errcode_t code = ext2fs_inline_data_get(fs, number, inode, buffer, &size);

    if (!code)
        add_block(digest, 0, buffer, divide_up(EXT2_I_SIZE(inode), PIECE_SIZE) * PIECE_SIZE);
    return code;
}

static errcode_t add_contents(struct digest *digest, ext2_filsys fs, ext2_ino_t number,
                              struct ext2_inode *inode)
{
    if (inode->i_flags & EXT4_INLINE_DATA_FL)
        return add_inline(digest, fs, number, inode);
    if (!ext2fs_inode_has_valid_blocks2(fs, inode)) {
        digest_add(digest, inode->i_block, sizeof inode->i_block);
        return 0;
    }
    if (inode->i_flags & EXT4_EXTENTS_FL)
        return add_extents(digest, fs, number);
    return add_blocks(digest, fs, number);
}

/* The sum over all attributes: they have no order. Inline data counts as contents. */
static int take_attribute(char *name, char *value, size_t size, void *private)
{
    struct digest *sum = private;
    struct digest one = digest_start();

    if (strcmp(name, "system.data") == 0)
        return 0;
    digest_add(&one, name, strlen(name));
    digest_add(&one, value, size);
    sum->words[0] += one.words[0];
    sum->words[1] += one.words[1];
    return 0;
}

static errcode_t add_attributes(struct digest *digest, ext2_filsys fs, ext2_ino_t inode)
{
    struct ext2_xattr_handle *handle;
    struct digest sum = {{0, 0}};
    errcode_t code = ext2fs_xattrs_open(fs, inode, &handle);

    if (code)
        return code;
    code = ext2fs_xattrs_read(handle);
    if (!code)
        code = ext2fs_xattrs_iterate(handle, take_attribute, &sum);
    ext2fs_xattrs_close(&handle);
    digest_add(digest, &sum, sizeof sum);
    return code;
}

static errcode_t add_inode(struct digest *digest, ext2_filsys fs, ext2_ino_t number)
{
    struct ext2_inode_large large = {0};
    struct ext2_inode *inode = (struct ext2_inode *)&large;
    errcode_t code = ext2fs_read_inode_full(fs, number, inode, sizeof large);

    if (code)
        return code;
    digest_add_number(digest, inode->i_mode);
    digest_add_number(digest, inode_uid(*inode));
    digest_add_number(digest, inode_gid(*inode));
    digest_add_number(digest, inode->i_mtime);
    digest_add_number(digest, large.i_extra_isize >= 12 ? large.i_mtime_extra : 0);
    if (!LINUX_S_ISDIR(inode->i_mode)) {
        digest_add_number(digest, EXT2_I_SIZE(inode));
        digest_add_number(digest, inode->i_links_count);
        code = add_contents(digest, fs, number, inode);
    }
    return code ? code : add_attributes(digest, fs, number);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->path, ((const struct name *)b)->path);
}

/* Several names of one inode: each says which is the first of them. */
static errcode_t add_identity(struct digest *digest, const struct tree *tree, size_t index)
{
    struct ext2_inode inode;
    errcode_t code = ext2fs_read_inode(tree->fs, tree->names[index].inode, &inode);
    size_t first = 0;

    if (code || LINUX_S_ISDIR(inode.i_mode) || inode.i_links_count < 2)
        return code;
    while (tree->names[first].inode != tree->names[index].inode)
        first++;
    digest_add(digest, tree->names[first].path, strlen(tree->names[first].path));
    return 0;
}

static errcode_t digest_tree(struct tree *tree, struct digest *ret_digest)
{
    struct digest digest = digest_start();
    errcode_t code = list_folder(tree, EXT2_ROOT_INO, "", 0);

    if (!code)
        code = add_inode(&digest, tree->fs, EXT2_ROOT_INO);
    if (tree->count > 0)
        qsort(tree->names, tree->count, sizeof *tree->names, compare_names);
    for (size_t i = 0; i < tree->count && !code; i++) {
        digest_add(&digest, tree->names[i].path, strlen(tree->names[i].path));
        code = add_identity(&digest, tree, i);
        if (!code)
            code = add_inode(&digest, tree->fs, tree->names[i].inode);
    }
    if (!code)
        *ret_digest = digest;
    return code;
}

int tree_digest(const char *path, struct digest *ret_digest, struct error *error)
{
    struct tree tree = {0};
    errcode_t code;

    initialize_ext2_error_table();
    code = ext2fs_open(path, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &tree.fs);

    if (!code) {
        code = digest_tree(&tree, ret_digest);
        ext2fs_close_free(&tree.fs);
    }
    for (size_t i = 0; i < tree.count; i++)
        free(tree.names[i].path);
    free(tree.names);
    if (code)
        return error_set(error, ERROR_CORRUPT, "cannot read the file tree in %s: %s", path,
                         error_message(code));
    return 0;
}
