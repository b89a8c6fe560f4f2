/*
 * Whatever is done to a raw image in whatever order, it reads as a plain file does
 * to which the same is done: here, things are done to both in a random order. Each
 * test file that includes this has its own.
 * RAW_MODEL_SEEDS=FIRST-LAST tries more.
 */
#ifndef TESTS_SUPPORT_RAW_MODEL_H
#define TESTS_SUPPORT_RAW_MODEL_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/raw/raw.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"
#include "tests/support/random.h"
#include "tests/support/recording-file.h"

#define MOST (6 * MIB) /* of a disk */

/* What was written as unreferenced: in the states before the commit it may be anything. */
struct loose {
    struct disk_range range;
    size_t commit; /* that it came before */
};

struct session {
    uint64_t random;
    unsigned long long seed;
    uint64_t usual;     /* most bytes of most changes */
    struct file *image; /* lent to the disk */
    struct trace *trace;
    struct disk *disk;
    struct file *model; /* what the disk reads as */
    struct loose loose[2000];
    size_t loose_count;
    struct {
        struct file *model;
        size_t operations; /* of the trace, when the commit had returned */
    } commits[64];
    size_t commit_count;
    uint64_t recoveries, longer;
};

static struct error error;

#define MUST(call) cr_assert_eq(call, 0, "seed %llu: %s", session->seed, error.message)

static uint64_t size_of(struct file *file)
{
    uint64_t size = 0;

    cr_assert_eq(file_get_size(file, &size, &error), 0);
    return size;
}

/* Puts the model's bytes over what is loose there: in a state as commit number index left it. */
static void excuse_loose(const struct session *session, size_t index, const uint8_t *expected,
                         uint8_t *found, uint64_t size)
{
    for (size_t i = 0; i < session->loose_count; i++) {
        const struct disk_range *range = &session->loose[i].range;

        if (session->loose[i].commit > index && range->offset < size)
            memcpy(found + range->offset, expected + range->offset,
                   (size_t)(min_u64(range->offset + range->size, size) - range->offset));
    }
}

/* The first byte in which the disk isn't what the model says, UINT64_MAX for none. */
static uint64_t difference(const struct session *session, struct disk *disk, struct file *model,
                           size_t index)
{
    static uint8_t expected[MOST], found[MOST];
    uint64_t size = size_of(model);

    if (disk->size < size)
        return disk->size;
    cr_assert_eq(file_read(model, 0, expected, (size_t)size, &error), 0);
    cr_assert_eq(disk_read(disk, 0, found, (size_t)size, &error), 0, "%s", error.message);
    excuse_loose(session, index, expected, found, size);
    for (uint64_t i = 0; i < size; i++)
        if (expected[i] != found[i])
            return i;
    return UINT64_MAX;
}

/* Extents cover the disk, and those said to be zeros are. */
static void check_extents(const struct session *session, struct disk *disk)
{
    static uint8_t bytes[MOST];

    for (uint64_t at = 0; at < disk->size;) {
        struct disk_extent extent;

        MUST(disk_get_extent(disk, at, disk->size, &extent, &error));
        cr_assert(extent.size > 0 && extent.offset == at);
        MUST(disk_read(disk, at, bytes, (size_t)extent.size, &error));
        for (uint64_t i = 0; i < extent.size && extent.state != DISK_EXTENT_DATA; i++)
            cr_assert_eq(bytes[i], 0, "seed %llu: no zero at %llu", session->seed,
                         (unsigned long long)(at + i));
        at += extent.size;
    }
}

static void expect_same(const struct session *session, const char *when)
{
    cr_assert_eq(session->disk->size, size_of(session->model), "seed %llu, %s: another size",
                 session->seed, when);
    cr_assert_eq(difference(session, session->disk, session->model, SIZE_MAX), UINT64_MAX,
                 "seed %llu, %s: another byte at %llu", session->seed, when,
                 (unsigned long long)difference(session, session->disk, session->model, SIZE_MAX));
}

/* What somebody else would find in the file now. */
static void expect_in_file(const struct session *session, bool in_transaction, const char *when)
{
    struct disk *disk = raw_open(memory_file_snapshot(session->image), &error);
    struct file *committed = session->commits[session->commit_count - 1].model;
    size_t index = in_transaction ? session->commit_count - 1 : SIZE_MAX;

    cr_assert_not_null(disk, "seed %llu, %s: %s", session->seed, when, error.message);
    if (!in_transaction)
        cr_assert_eq(disk->size, size_of(committed), "seed %llu, %s", session->seed, when);
    cr_assert_eq(difference(session, disk, committed, index), UINT64_MAX, "seed %llu, %s",
                 session->seed, when);
    disk_close(disk);
}

static void open_disk(struct session *session)
{
    struct file *file =
        session->trace ? recording_file_new(memory_file_snapshot(session->image), session->trace)
                       : lent_file_new(session->image);

    session->disk = raw_open(file, &error);
    cr_assert_not_null(session->disk, "seed %llu: %s", session->seed, error.message);
}

static struct disk_range pick_range(struct session *session)
{
    uint64_t size = session->disk->size;
    uint64_t most = random_below(&session->random, 4) ? session->usual : size;
    struct disk_range range = {.offset = random_below(&session->random, size)};

    if (random_below(&session->random, 3) == 0)
        range.offset = round_down(range.offset, 4096);
    if (random_below(&session->random, 5) == 0)
        range.offset = size - min_u64(size, 5000);
    range.size = min_u64(random_below(&session->random, most + 1), size - range.offset);
    if (random_below(&session->random, 3) == 0)
        range.size = round_down(range.size, 4096);
    /* Who makes a file longer does so in whole sectors: of another length it is no raw image. */
    if (range.offset + range.size > size_of(session->commits[session->commit_count - 1].model))
        range.size = min_u64(round_up(range.offset + range.size, 512), size) - range.offset;
    return range;
}

static void put_range(struct session *session, bool zero, bool unreferenced)
{
    struct disk_range range = pick_range(session);
    size_t size = (size_t)range.size;
    uint64_t *words = must_allocate(size + 8);

    for (uint64_t i = 0; i <= size / 8 && !zero; i++)
        words[i] = i % 64 ? words[i - 1] + 1 : random_next(&session->random);
    if (zero)
        MUST((unreferenced ? disk_zero_unreferenced : disk_zero)(session->disk, range.offset, size,
                                                                 &error));
    else
        MUST((unreferenced ? disk_write_unreferenced : disk_write)(session->disk, range.offset,
                                                                   words, size, &error));
    MUST(file_write(session->model, range.offset, words, size, &error));
    free(words);
    if (unreferenced)
        session->loose[session->loose_count++] = (struct loose){range, session->commit_count};
}

static void resize(struct session *session)
{
    uint64_t size = session->disk->size;

    if (random_below(&session->random, 2))
        size += random_below(&session->random, 100000);
    else
        size -= random_below(&session->random, min_u64(size, 100000));
    size = min_u64(round_up(size, 512), MOST);
    MUST(disk_set_size(session->disk, size, &error));
    MUST(file_set_size(session->model, size, &error));
}

static void change(struct session *session)
{
    uint64_t kind = random_below(&session->random, 16);

    if (kind < 13)
        put_range(session, kind % 3 == 0, kind % 4 == 2);
    else
        resize(session);
    expect_same(session, "a change isn't seen");
}

/* After an abort what is loose is whatever the disk has there. */
static void accept_loose(struct session *session)
{
    uint64_t size = size_of(session->model);
    uint8_t *bytes = must_allocate((size_t)size);

    for (size_t i = 0; i < session->loose_count; i++) {
        struct disk_range range = session->loose[i].range;

        if (session->loose[i].commit != session->commit_count || range.offset >= size)
            continue;
        range.size = min_u64(range.size, size - range.offset);
        MUST(disk_read(session->disk, range.offset, bytes, (size_t)range.size, &error));
        MUST(file_write(session->model, range.offset, bytes, (size_t)range.size, &error));
    }
    free(bytes);
}

static void keep_commit(struct session *session)
{
    session->commits[session->commit_count].model = memory_file_snapshot(session->model);
    session->commits[session->commit_count++].operations =
        session->trace ? session->trace->count : 0;
}

static void end_transaction(struct session *session, bool keep)
{
    if (keep) {
        MUST(disk_commit(session->disk, &error));
        cr_assert(session->disk->committed);
        keep_commit(session);
        expect_same(session, "after the commit");
        return;
    }
    disk_abort(session->disk);
    file_close(session->model);
    session->model = memory_file_snapshot(session->commits[session->commit_count - 1].model);
    cr_assert_eq(session->disk->size, size_of(session->model));
    cr_assert_eq(difference(session, session->disk, session->model, session->commit_count - 1),
                 UINT64_MAX, "seed %llu: after the abort", session->seed);
    accept_loose(session);
    /* The next ones are compared with what is there now. */
    file_close(session->commits[session->commit_count - 1].model);
    session->commits[session->commit_count - 1].model = memory_file_snapshot(session->model);
}

static void transaction(struct session *session, bool keep)
{
    uint64_t steps = random_below(&session->random, 10);

    MUST(disk_begin(session->disk, &error));
    while (steps-- > 0)
        change(session);
    check_extents(session, session->disk);
    if (!session->trace)
        expect_in_file(session, true, "killed");
    end_transaction(session, keep);
    check_extents(session, session->disk);
    if (!session->trace) {
        expect_in_file(session, false, "after a transaction");
        cr_assert_null(memory_file_side(session->image), "the journal is left");
    }
}

static void set_up(struct session *session, uint64_t seed, uint64_t most)
{
    uint64_t size;
    uint8_t *bytes;

    session->seed = session->random = seed;
    size = 512 * (1 + random_below(&session->random, most / 512));
    session->usual = random_below(&session->random, 4) ? 9000 : most;
    session->image = memory_file_new(size);
    bytes = must_allocate((size_t)size);
    for (uint64_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i / 200000 % 2 ? 0 : random_next(&session->random));
    MUST(file_write(session->image, 0, bytes, (size_t)size, &error));
    free(bytes);
    session->model = memory_file_snapshot(session->image);
}

static void tear_down(struct session *session)
{
    disk_close(session->disk);
    for (size_t i = 0; i < session->commit_count; i++)
        file_close(session->commits[i].model);
    file_close(session->model);
    file_close(session->image);
    free(session);
}

static void each_seed(void (*run)(uint64_t seed), unsigned long long first, unsigned long long last)
{
    const char *seeds = getenv("RAW_MODEL_SEEDS");

    if (seeds && sscanf(seeds, "%llu-%llu", &first, &last) != 2)
        cr_assert_fail("RAW_MODEL_SEEDS is no range");
    for (; first <= last; first++)
        run(first);
}

#endif
