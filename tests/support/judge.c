#define _GNU_SOURCE
#include "tests/support/judge.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "image-format/disk.h"
#include "tests/support/host.h"
#include "tests/support/must.h"
#include "tests/support/tree-digest.h"

#define PIECE_SIZE (1 * MIB)
#define BLOCK_SIZE (4 * KIB)

struct verdict {
    struct digest contents;
    struct judgement judgement;
    struct digest tree;
    bool has_judgement, has_tree;
};

struct judge {
    char *path;           /* of the raw file */
    int descriptor;       /* of it */
    struct digest staged; /* the contents that the raw file holds */
    bool has_staged;
    bool allows_wide_trees;
    struct verdict **verdicts; /* in no order; each stays where it is */
    size_t count, capacity;
};

/* Takes one piece of the disk's data; offset is a multiple of BLOCK_SIZE, except where an extent
 * begins elsewhere. */
typedef int take_data(void *context, uint64_t offset, const uint8_t *bytes, size_t size,
                      struct error *error);

static int read_extent(struct disk *disk, uint64_t offset, uint64_t end, take_data *take,
                       void *context, struct error *error)
{
    CLEANUP_FREE uint8_t *buffer = must_allocate(PIECE_SIZE);

    while (offset < end) {
        size_t piece = (size_t)min_u64(end - offset, PIECE_SIZE - offset % PIECE_SIZE);

        if (disk_read(disk, offset, buffer, piece, error) ||
            take(context, offset, buffer, piece, error))
            return -1;
        offset += piece;
    }
    return 0;
}

static int for_each_data(struct disk *disk, take_data *take, void *context, struct error *error)
{
    struct disk_extent extent;

    for (uint64_t offset = 0; offset < disk->size; offset = extent.offset + extent.size) {
        if (disk_get_extent(disk, offset, disk->size, &extent, error))
            return -1;
        if (extent.size == 0)
            return error_set(error, ERROR_CORRUPT, "an extent of the disk is empty");
        if (extent.state == DISK_EXTENT_DATA &&
            read_extent(disk, extent.offset, extent.offset + extent.size, take, context, error))
            return -1;
    }
    return 0;
}

static int digest_data(void *context, uint64_t offset, const uint8_t *bytes, size_t size,
                       struct error *error)
{
    struct digest *digest = context;

    (void)error;
    while (size > 0) {
        size_t piece = (size_t)min_u64(size, BLOCK_SIZE - offset % BLOCK_SIZE);

        if (!bytes_are_zero(bytes, piece)) {
            digest_add_number(digest, offset);
            digest_add(digest, bytes, piece);
        }
        offset += piece;
        bytes += piece;
        size -= piece;
    }
    return 0;
}

int judge_contents(struct disk *disk, struct digest *ret_digest, struct error *error)
{
    struct digest digest = digest_start();

    digest_add_number(&digest, disk->size);
    if (for_each_data(disk, digest_data, &digest, error))
        return -1;
    *ret_digest = digest;
    return 0;
}

static int store_data(void *context, uint64_t offset, const uint8_t *bytes, size_t size,
                      struct error *error)
{
    const struct judge *judge = context;

    if (bytes_are_zero(bytes, size))
        return 0;
    if (pwrite(judge->descriptor, bytes, size, (off_t)offset) != (ssize_t)size)
        return error_set_errno(error, errno, "cannot write %s", judge->path);
    return 0;
}

/* Makes the raw file hold what the disk holds. */
static int stage(struct judge *judge, struct disk *disk, struct digest contents,
                 struct error *error)
{
    if (judge->has_staged && digest_equal(judge->staged, contents))
        return 0;
    judge->has_staged = false;
    if (ftruncate(judge->descriptor, 0) || ftruncate(judge->descriptor, (off_t)disk->size))
        return error_set_errno(error, errno, "cannot size %s", judge->path);
    if (for_each_data(disk, store_data, judge, error))
        return -1;
    judge->staged = contents;
    judge->has_staged = true;
    return 0;
}

/* The verdict on these contents, empty where there was none; never NULL. */
static struct verdict *find_verdict(struct judge *judge, struct digest contents)
{
    struct verdict *verdict;

    for (size_t i = judge->count; i-- > 0;)
        if (digest_equal(judge->verdicts[i]->contents, contents))
            return judge->verdicts[i];
    if (judge->count == judge->capacity) {
        judge->capacity = judge->capacity * 2 + 64;
        judge->verdicts = must_resize(judge->verdicts, judge->capacity, sizeof(struct verdict *));
    }
    verdict = must_allocate(sizeof *verdict);
    verdict->contents = contents;
    judge->verdicts[judge->count++] = verdict;
    return verdict;
}

int judge_filesystem(struct judge *judge, struct disk *disk, const struct judgement **ret_judgement,
                     struct error *error)
{
    const char *const arguments[] = {
        "e2fsck",    "-fn",
        "-E",        judge->allows_wide_trees ? "no_optimize_extents" : "optimize_extents",
        judge->path, NULL};
    struct verdict *verdict;
    struct digest contents;

    if (judge_contents(disk, &contents, error))
        return -1;
    verdict = find_verdict(judge, contents);
    if (!verdict->has_judgement) {
        if (stage(judge, disk, contents, error) ||
            host_run(arguments, &verdict->judgement.status, &verdict->judgement.output, error))
            return -1;
        verdict->has_judgement = true;
        /* For wrong counts in the superblock e2fsck asks "Fix? no", and yet ends with 0. */
        if (verdict->judgement.status == 0 && strstr(verdict->judgement.output, "? no\n"))
            verdict->judgement.status = JUDGED_WRONG_COUNTS;
    }
    *ret_judgement = &verdict->judgement;
    return 0;
}

int judge_tree(struct judge *judge, struct disk *disk, struct digest *ret_digest,
               struct error *error)
{
    struct verdict *verdict;
    struct digest contents;

    if (judge_contents(disk, &contents, error))
        return -1;
    verdict = find_verdict(judge, contents);
    if (!verdict->has_tree) {
        if (stage(judge, disk, contents, error) || tree_digest(judge->path, &verdict->tree, error))
            return -1;
        verdict->has_tree = true;
    }
    *ret_digest = verdict->tree;
    return 0;
}

void judge_allow_wide_trees(struct judge *judge)
{
    judge->allows_wide_trees = true;
}

struct judge *judge_new(struct error *error)
{
    struct judge *judge = must_allocate(sizeof *judge);

    judge->path = host_temporary_file(&judge->descriptor, error);
    if (judge->path)
        return judge;
    free(judge);
    return NULL;
}

void judge_free(struct judge *judge)
{
    if (!judge)
        return;
    unlink(judge->path);
    close(judge->descriptor);
    free(judge->path);
    for (size_t i = 0; i < judge->count; i++) {
        free(judge->verdicts[i]->judgement.output);
        free(judge->verdicts[i]);
    }
    free(judge->verdicts);
    free(judge);
}
