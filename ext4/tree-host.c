#include "ext4/tree-host.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "ext4/host-directory.h"
#include "ext4/tree-in.h"

#define SHORT_LINK_SIZE 60 /* a target that lies in the inode is shorter */

struct host_tree {
    struct tree_in *tree;
    struct host_walk walk;
    struct archive *disk; /* reads one file's metadata */
    struct archive_entry *entry;
    struct archive_entry_linkresolver *links;
    uint8_t *buffer; /* HOST_FILE_BUFFER_SIZE */
};

/* What doesn't fit, counted after the first thing that didn't. */
struct shortage {
    uint64_t blocks, inodes;
};

/* Fills in host->entry for the name that came last ("." for the top); fd: the file, or -1. */
static int read_metadata(struct host_tree *host, const char *name, int fd, const struct stat *facts,
                         struct error *error)
{
    char source[64 + NAME_MAX];

    archive_entry_clear(host->entry);
    archive_entry_set_pathname(host->entry, host->walk.path);
    snprintf(source, sizeof source, "/proc/self/fd/%d/%s", host->walk.fd, name);
    archive_entry_copy_sourcepath(host->entry, source);
    if (archive_read_disk_entry_from_file(host->disk, host->entry, fd, facts) != ARCHIVE_OK)
        return host_walk_set_error(&host->walk, archive_errno(host->disk), "read the attributes of",
                                   error);
    return 0;
}

static int add_entry(struct host_tree *host, int fd, const struct stat *facts, struct error *error)
{
    struct archive_entry *entry = host->entry, *spare = NULL;
    struct host_file file;

    host_file_init(&file, &host->walk, fd, (uint64_t)facts->st_size, host->buffer);
    archive_entry_linkify(host->links, &entry, &spare);
    return tree_in_add(host->tree, entry, S_ISREG(facts->st_mode) ? &file.data : NULL, error);
}

/* Adds one name, and goes down into it when it is a directory. */
static int add_name(struct host_tree *host, const char *name, const struct stat *facts,
                    struct error *error)
{
    bool is_directory = S_ISDIR(facts->st_mode);
    int fd = -1, result;

    if (is_directory || S_ISREG(facts->st_mode)) {
        fd = host_walk_open_name(&host->walk, name, facts, error);
        if (fd < 0)
            return -1;
    }
    result =
        read_metadata(host, name, fd, facts, error) || add_entry(host, fd, facts, error) ? -1 : 0;
    if (result == 0 && is_directory)
        return host_walk_enter(&host->walk, fd, facts, error);
    host_walk_close_name(fd);
    return result;
}

/* A file with several links counts in equal parts with each. */
static void count_name(const struct stat *facts, uint32_t block_size, struct shortage *shortage)
{
    uint64_t size = (uint64_t)facts->st_size;

    if (S_ISDIR(facts->st_mode)) {
        shortage->blocks++;
        shortage->inodes++;
        return;
    }
    shortage->inodes += facts->st_nlink == 1;
    if (S_ISREG(facts->st_mode))
        shortage->blocks += divide_up(min_u64(size, (uint64_t)facts->st_blocks * 512), block_size) /
                            facts->st_nlink;
    else if (S_ISLNK(facts->st_mode) && size >= SHORT_LINK_SIZE)
        shortage->blocks++;
}

/* Adds up what the names from this one on need. */
static int count_rest(struct host_tree *host, uint32_t block_size, const char *name,
                      const struct stat *first, struct shortage *shortage, struct error *error)
{
    struct stat facts = *first;
    int result = 1;

    while (result > 0) {
        if (S_ISDIR(facts.st_mode)) {
            int fd = host_walk_open_name(&host->walk, name, &facts, error);

            if (fd < 0 || host_walk_enter(&host->walk, fd, &facts, error))
                return -1;
        }
        count_name(&facts, block_size, shortage);
        result = host_walk_next(&host->walk, &name, &facts, error);
    }
    return result;
}

/* Replaces the sentence of a tree that didn't fit by one that says by how much. What was free
 * before the name that came last is subtracted, since that is counted whole. */
static int explain_shortage(struct host_tree *host, ext2_filsys fs, const char *name,
                            const struct stat *facts, const struct shortage *left,
                            struct error *error)
{
    struct shortage rest = {0};
    struct error unused;
    char text[SIZE_TEXT_SIZE];

    if (count_rest(host, fs->blocksize, name, facts, &rest, &unused))
        return -1;
    if (rest.blocks > left->blocks) {
        size_format((rest.blocks - left->blocks) * fs->blocksize, text);
        error_set(error, ERROR_REFUSED, "the tree doesn't fit: at least %s more are needed", text);
        return error_set_remedy(error, "give the image a larger size");
    }
    if (rest.inodes > left->inodes) {
        error_set(error, ERROR_REFUSED,
                  "the tree has too many files: at least %" PRIu64 " more inodes are needed",
                  rest.inodes - left->inodes);
        return error_set_remedy(error, "give the image a larger size: inodes grow with it");
    }
    return -1;
}

static int add_all(struct host_tree *host, ext2_filsys fs, struct error *error)
{
    const char *name;
    struct stat facts;
    int result;

    while ((result = host_walk_next(&host->walk, &name, &facts, error)) > 0) {
        struct shortage left = {.blocks = ext2fs_free_blocks_count(fs->super),
                                .inodes = fs->super->s_free_inodes_count};

        if (add_name(host, name, &facts, error) == 0)
            continue;
        if (tree_in_is_full(host->tree))
            explain_shortage(host, fs, name, &facts, &left, error);
        return -1;
    }
    return result < 0 ? -1 : tree_in_finish(host->tree, error);
}

static int allocate(struct host_tree *host, struct error *error)
{
    host->disk = archive_read_disk_new();
    host->entry = archive_entry_new();
    host->links = archive_entry_linkresolver_new();
    host->buffer = malloc(HOST_FILE_BUFFER_SIZE);
    if (!host->disk || !host->entry || !host->links || !host->buffer)
        return error_set_no_memory(error);
    archive_read_disk_set_symlink_physical(host->disk);
    archive_read_disk_set_behavior(host->disk,
                                   ARCHIVE_READDISK_NO_FFLAGS | ARCHIVE_READDISK_NO_SPARSE);
    archive_entry_linkresolver_set_strategy(host->links, ARCHIVE_FORMAT_TAR_GNUTAR);
    return 0;
}

static void free_host_tree(struct host_tree *host)
{
    tree_in_free(host->tree);
    host_walk_close(&host->walk);
    archive_read_free(host->disk);
    archive_entry_free(host->entry);
    if (host->links)
        archive_entry_linkresolver_free(host->links);
    free(host->buffer);
}

int ext4_tree_from_host(ext2_filsys fs, const struct ext4_io *io, const char *path,
                        struct error *error)
{
    CLEANUP(free_host_tree) struct host_tree host = {.walk.fd = -1};
    struct stat facts;

    if (allocate(&host, error) || tree_in_new(fs, io, &host.tree, error) ||
        host_walk_open(&host.walk, path, &facts, error) ||
        read_metadata(&host, ".", host.walk.fd, &facts, error) ||
        add_entry(&host, -1, &facts, error))
        return -1;
    return add_all(&host, fs, error);
}
