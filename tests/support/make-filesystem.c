#define _GNU_SOURCE
#include "tests/support/make-filesystem.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "tests/support/host.h"
#include "tests/support/must.h"
#include "tests/support/random.h"

#define MKFS_WORDS 48

/* Files that debugfs copies into the tree. */
static const uint64_t file_sizes[] = {0, 1, 100, 4096, 5000, 65536, 300001, 1048576};
#define FILE_COUNT (sizeof file_sizes / sizeof file_sizes[0])

static int run(const char *const arguments[], struct error *error)
{
    CLEANUP_FREE char *output = NULL;
    int status;

    if (host_run(arguments, &status, &output, error))
        return -1;
    if (status != 0)
        return error_set(error, ERROR_SYSTEM, "%s exited with %d: %.400s", arguments[0], status,
                         output);
    return 0;
}

static int run_mke2fs(const char *path, const char *mkfs_options, uint64_t size,
                      struct error *error)
{
    CLEANUP_FREE char *words = must_have(strdup(mkfs_options ? mkfs_options : ""));
    const char *arguments[MKFS_WORDS + 16] = {
        "mke2fs",
        "-q",
        "-F",
        "-t",
        "ext4",
        "-U",
        "6f1c2b6e-51a7-4c5d-9f0e-2d1a5c3b4e60",
        "-E",
        "hash_seed=0d9e1f5a-7b2c-4a3d-8e6f-1a2b3c4d5e6f,root_owner=0:0",
    };
    size_t count = 9;
    char kibibytes[32];
    char *rest = NULL;

    for (char *word = strtok_r(words, " ", &rest); word && count < MKFS_WORDS;
         word = strtok_r(NULL, " ", &rest))
        arguments[count++] = word;
    snprintf(kibibytes, sizeof kibibytes, "%" PRIu64 "k", size / KIB);
    arguments[count++] = path;
    arguments[count] = kibibytes;
    return run(arguments, error);
}

static void print_attributes(FILE *script, unsigned tree)
{
    fprintf(script, "ea_set /tree%u/file2 user.small value-of-tree-%u\n", tree, tree);
    fprintf(script, "ea_set /tree%u/file3 user.large ", tree);
    for (int i = 0; i < 50; i++)
        fprintf(script, "large-value-%03d.", i);
    fprintf(script, "\nea_set /tree%u security.note on-a-folder\n", tree);
}

static void print_links(FILE *script, unsigned tree)
{
    fprintf(script, "symlink /tree%u/short ../file5\n", tree);
    fprintf(script, "symlink /tree%u/long ", tree);
    for (int i = 0; i < 20; i++)
        fprintf(script, "folder-%02d/", i);
    fprintf(script, "end\n");
    fprintf(script, "ln /tree%u/file4 /tree%u/same-as-file4\n", tree, tree);
    fprintf(script, "set_inode_field /tree%u/file4 links_count 2\n", tree);
}

static void print_tree(FILE *script, unsigned tree, const char *source)
{
    fprintf(script, "mkdir /tree%u\nmkdir /tree%u/many\nmkdir /tree%u/many/deep\n", tree, tree,
            tree);
    for (size_t i = 0; i < FILE_COUNT; i++) {
        fprintf(script, "write %s.%zu /tree%u/file%zu\n", source, i, tree, i);
        fprintf(script, "set_inode_field /tree%u/file%zu mtime @%u\n", tree, i,
                1600000000 + tree * 1000 + (unsigned)i);
    }
    fprintf(script, "write %s.holes /tree%u/holes\n", source, tree);
    fprintf(script, "set_inode_field /tree%u/file5 mode 0104750\n", tree);
    fprintf(script, "set_inode_field /tree%u/file5 uid 1000\n", tree);
    fprintf(script, "set_inode_field /tree%u/file6 uid 100000\n", tree);
    for (int i = 0; i < 200; i++)
        fprintf(script, "write %s.%d /tree%u/many/entry-with-a-longish-name-%03d\n", source, i % 3,
                tree, i);
    print_links(script, tree);
    print_attributes(script, tree);
}

/* size bytes that don't repeat; with holes, only every fourth 64 KiB of them. */
static int make_source(const char *path, uint64_t size, bool holes, struct error *error)
{
    CLEANUP_FREE uint64_t *words = must_allocate(64 * KIB);
    FILE *file = fopen(path, "wb");
    uint64_t state = size + holes;
    int failed = !file;

    for (uint64_t at = 0; !failed && at < size; at += holes ? 256 * KIB : 64 * KIB) {
        size_t piece = (size_t)min_u64(size - at, 64 * KIB);

        for (size_t i = 0; i < 64 * KIB / sizeof *words; i++)
            words[i] = random_next(&state);
        failed = fseeko(file, (off_t)at, SEEK_SET) || fwrite(words, 1, piece, file) != piece;
    }
    if (file && fclose(file))
        failed = 1;
    return failed ? error_set_errno(error, errno, "cannot write %s", path) : 0;
}

/* Makes or removes the files beside path that debugfs copies. */
static int for_sources(const char *path, bool make, struct error *error)
{
    int result = 0;

    for (size_t i = 0; i <= FILE_COUNT && !result; i++) {
        CLEANUP_FREE char *name = NULL;
        int written =
            i < FILE_COUNT ? asprintf(&name, "%s.%zu", path, i) : asprintf(&name, "%s.holes", path);

        if (written < 0)
            abort();
        if (make)
            result = make_source(name, i < FILE_COUNT ? file_sizes[i] : 1280 * KIB + 77,
                                 i == FILE_COUNT, error);
        else
            unlink(name);
    }
    return result;
}

static int write_script(const char *path, const char *source, unsigned trees, struct error *error)
{
    FILE *script = fopen(path, "w");

    if (!script)
        return error_set_errno(error, errno, "cannot write %s", path);
    for (unsigned tree = 0; tree < trees; tree++)
        print_tree(script, tree, source);
    return fclose(script) ? error_set_errno(error, errno, "cannot write %s", path) : 0;
}

static int populate(const char *path, unsigned trees, struct error *error)
{
    CLEANUP_FREE char *script = host_temporary_file(NULL, error);
    const char *const arguments[] = {"debugfs", "-w", "-f", script, path, NULL};
    int result;

    if (!script)
        return -1;
    result = for_sources(script, true, error);
    if (!result)
        result = write_script(script, script, trees, error);
    if (!result)
        result = run(arguments, error);
    for_sources(script, false, error);
    unlink(script);
    return result;
}

/* debugfs exits with 0 whatever fails within it: e2fsck tells. */
static int verify(const char *path, struct error *error)
{
    const char *const arguments[] = {"e2fsck", "-fn", path, NULL};

    return run(arguments, error);
}

char *make_filesystem(const char *mkfs_options, uint64_t size, unsigned trees, struct error *error)
{
    char *path = host_temporary_file(NULL, error);

    if (path && (run_mke2fs(path, mkfs_options, size, error) ||
                 (trees > 0 && populate(path, trees, error)) || verify(path, error))) {
        filesystem_remove(path);
        return NULL;
    }
    return path;
}

void filesystem_remove(char *path)
{
    if (path)
        unlink(path);
    free(path);
}
