/*
 * Whatever is done to a VHDX in whatever order, it reads as a plain file does to
 * which the same is done: the session in which a random order of things is done
 * to both. Each test file that includes this has its own.
 * VHDX_MODEL_SEEDS=FIRST-LAST tries more.
 */
#ifndef TESTS_SUPPORT_VHDX_MODEL_H
#define TESTS_SUPPORT_VHDX_MODEL_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "image-format/vhdx/vhdx.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"
#include "tests/support/must.h"
#include "tests/support/random.h"
#include "tests/support/recording-file.h"

#define PIECE (256 * KIB)

struct session {
    uint64_t random;
    unsigned long long seed;
    struct vhdx_create_options options;
    struct file *image; /* lent to the disk */
    struct trace *trace;
    struct disk *disk;
    struct file *committed, *model; /* what the disk reads as, outside and within a transaction */
    struct disk_range loose[4096];  /* unreferenced: there the committed disk may change */
    size_t loose_count;
    struct {
        struct file *model;
        size_t operations; /* of the trace, when the commit had returned */
    } commits[64];
    size_t commit_count;
};

static struct error error;

#define MUST(call) cr_assert_eq(call, 0, "seed %llu: %s", session->seed, error.message)

static uint64_t size_of(struct file *file)
{
    uint64_t size = 0;

    cr_assert_eq(file_get_size(file, &size, &error), 0);
    return size;
}

/* Puts the model's bytes over what is loose: there, anything goes. */
static void excuse_loose(const struct session *session, const uint8_t *expected, uint8_t *found,
                         uint64_t offset, size_t size)
{
    for (size_t i = 0; i < session->loose_count; i++) {
        uint64_t from = max_u64(session->loose[i].offset, offset);
        uint64_t end = min_u64(session->loose[i].offset + session->loose[i].size, offset + size);

        if (from < end)
            memcpy(found + (from - offset), expected + (from - offset), (size_t)(end - from));
    }
}

/* The first byte in which the disk isn't what the model says, UINT64_MAX for none. */
static uint64_t difference(const struct session *session, struct disk *disk, struct file *model,
                           uint64_t offset, uint64_t end)
{
    static uint8_t expected[PIECE], found[PIECE];

    while (offset < end) {
        struct disk_extent extent;
        uint64_t data;
        size_t size;

        if (disk_get_extent(disk, offset, end, &extent, &error))
            return offset;
        cr_assert_eq(file_next_data(model, offset, &data, &error), 0);
        if (extent.state != DISK_EXTENT_DATA && data > offset) {
            offset = min_u64(data, offset + extent.size);
            continue;
        }
        size = (size_t)min_u64(PIECE, extent.size);
        cr_assert_eq(file_read(model, offset, expected, size, &error), 0);
        if (disk_read(disk, offset, found, size, &error))
            return offset;
        excuse_loose(session, expected, found, offset, size);
        for (size_t i = 0; i < size; i++)
            if (expected[i] != found[i])
                return offset + i;
        offset += size;
    }
    return UINT64_MAX;
}

static bool is_same(const struct session *session, struct disk *disk, struct file *model)
{
    return disk->size == size_of(model) &&
           difference(session, disk, model, 0, disk->size) == UINT64_MAX;
}

static void expect_same(const struct session *session, struct disk *disk, struct file *model,
                        const char *when)
{
    cr_assert(is_same(session, disk, model), "seed %llu, %s: another size, or another byte at %llu",
              session->seed, when,
              (unsigned long long)difference(session, disk, model, 0,
                                             min_u64(disk->size, size_of(model))));
}

/* What somebody else would find in the file now. */
static void expect_in_file(const struct session *session, const char *when)
{
    struct disk *disk = image_open(memory_file_snapshot(session->image), &error);

    cr_assert_not_null(disk, "seed %llu, %s: %s", session->seed, when, error.message);
    expect_same(session, disk, session->committed, when);
    disk_close(disk);
}

static void open_disk(struct session *session)
{
    struct file *file =
        session->trace ? recording_file_new(memory_file_snapshot(session->image), session->trace)
                       : lent_file_new(session->image);

    session->disk = image_open(file, &error);
    cr_assert_not_null(session->disk, "seed %llu: %s", session->seed, error.message);
}

/* A range, mostly small, around a few places: blocks meet, and chunks do. */
static struct disk_range pick_range(struct session *session)
{
    uint64_t block = session->options.block_size, size = session->disk->size;
    uint64_t chunk = (uint64_t)session->options.logical_sector_size << 23;
    const uint64_t bases[] = {0, 0, chunk - 2 * block, size - min_u64(size, 3 * block)};
    uint64_t offset = bases[random_below(&session->random, 4)];
    uint64_t most = random_below(&session->random, 3) ? 9000 : 3 * block;
    struct disk_range range;

    offset += random_below(&session->random, 4 * block);
    if (random_below(&session->random, 3) == 0)
        offset = round_down(offset, block);
    range.offset = offset % size;
    range.size = random_below(&session->random, 4)
                     ? random_below(&session->random, most)
                     : block * (1 + random_below(&session->random, 2));
    range.size = min_u64(range.size, size - range.offset);
    return range;
}

/* Writes or zeroes a range. */
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
        session->loose[session->loose_count++] = range;
}

static void forget_range(struct session *session)
{
    struct disk_range range = pick_range(session);
    uint64_t block = session->options.block_size, end = range.offset + range.size;
    uint64_t from = round_up(range.offset, block);
    uint64_t to = end == session->disk->size ? end : round_down(end, block);

    MUST(disk_forget(session->disk, range.offset, range.size, &error));
    if (from < to)
        MUST(file_write_zeros(session->model, from, to - from, &error));
}

static void grow(struct session *session)
{
    static const uint64_t most[] = {8192, 3 * MIB, 64 * MIB, 8 * GIB, 300 * GIB};
    uint64_t sector = session->options.logical_sector_size;
    uint64_t more = random_below(&session->random, most[random_below(&session->random, 5)]);
    uint64_t size = session->disk->size + round_down(more, sector);

    MUST(disk_set_size(session->disk, size, &error));
    MUST(file_set_size(session->model, size, &error));
}

/* By little, by much, to a boundary of blocks. */
static void shrink(struct session *session)
{
    static const uint64_t most[] = {8192, 3 * MIB, 64 * MIB, 8 * GIB, 300 * GIB};
    uint64_t sector = session->options.logical_sector_size, size = session->disk->size;
    uint64_t less = random_below(&session->random, most[random_below(&session->random, 5)]);

    size = round_down(less < size ? size - less : less % size, sector);
    if (random_below(&session->random, 3) == 0)
        size = round_down(size, session->options.block_size);
    size = max_u64(size, sector);
    MUST(disk_set_size(session->disk, size, &error));
    MUST(file_set_size(session->model, size, &error));
}

static void change(struct session *session)
{
    uint64_t kind = random_below(&session->random, 18);
    struct disk_range range;

    /* With what is loose excused, a cut shows less: only every other seed has such. */
    if (kind < 11)
        put_range(session, kind < 3, kind % 4 == 2 && session->seed % 2);
    else if (kind < 13)
        forget_range(session);
    else if (kind < 14)
        grow(session);
    else if (kind < 16)
        shrink(session);
    range = pick_range(session);
    cr_assert_eq(
        difference(session, session->disk, session->model, range.offset, range.offset + range.size),
        UINT64_MAX, "seed %llu: a change isn't seen (%s)", session->seed, error.message);
}

/* After an abort what is loose is whatever the disk has there. */
static void accept_loose(struct session *session)
{
    for (size_t i = 0; i < session->loose_count; i++) {
        struct disk_range range = session->loose[i];
        uint8_t *bytes = must_allocate((size_t)range.size);
        uint64_t size = size_of(session->committed);

        if (range.offset < size) {
            range.size = min_u64(range.size, size - range.offset);
            MUST(disk_read(session->disk, range.offset, bytes, (size_t)range.size, &error));
            MUST(file_write(session->committed, range.offset, bytes, (size_t)range.size, &error));
        }
        free(bytes);
    }
}

static void end_transaction(struct session *session, bool keep)
{
    size_t loose_count = session->loose_count;

    if (keep) {
        session->loose_count = 0; /* from now on it counts, whatever it was */
        expect_same(session, session->disk, session->model, "before the commit");
        MUST(disk_commit(session->disk, &error));
        file_close(session->committed);
        session->committed = memory_file_snapshot(session->model);
    } else {
        disk_abort(session->disk);
        expect_same(session, session->disk, session->committed, "after the abort");
        accept_loose(session);
        file_close(session->model);
        session->model = memory_file_snapshot(session->committed);
    }
    session->loose_count = session->trace ? loose_count : 0; /* an earlier state may lack it */
    if (keep && session->trace) {
        session->commits[session->commit_count].model = memory_file_snapshot(session->model);
        session->commits[session->commit_count++].operations = session->trace->count;
    }
}

static void transaction(struct session *session, bool keep)
{
    uint64_t steps = random_below(&session->random, 12);

    MUST(disk_begin(session->disk, &error));
    while (steps-- > 0)
        change(session);
    if (!session->trace)
        expect_in_file(session, "killed");
    end_transaction(session, keep);
    if (!session->trace)
        expect_in_file(session, "after a transaction");
}

/* A file that is longer than need be, with old bytes at its end. */
static void litter(struct session *session)
{
    uint8_t *junk = must_allocate(5 * MIB);

    memset(junk, 0xaa, 5 * MIB);
    if (random_below(&session->random, 2))
        MUST(file_write(session->image, size_of(session->image), junk, 5 * MIB - 777, &error));
    free(junk);
}

static void set_up(struct session *session, uint64_t seed, bool small)
{
    struct vhdx_create_options *options = &session->options;

    session->seed = session->random = seed;
    options->block_size = (uint32_t)(MIB << (small ? 0 : random_below(&session->random, 3)));
    options->logical_sector_size = random_below(&session->random, 2) ? 512 : 4096;
    options->physical_sector_size = 4096;
    options->virtual_size = 4096 + random_below(&session->random, 2 * KIB) * 4096;
    if (random_below(&session->random, 3) == 0)
        options->virtual_size += (random_below(&session->random, 2) ? 128 : 32) * GIB - 5 * MIB;
    session->image = memory_file_new(0);
    MUST(vhdx_create(session->image, options, &error));
    session->committed = memory_file_new(options->virtual_size);
    session->model = memory_file_new(options->virtual_size);
    open_disk(session);
    transaction(session, true);
    litter(session);
    disk_close(session->disk);
}

static void tear_down(struct session *session)
{
    disk_close(session->disk);
    for (size_t i = 0; i < session->commit_count; i++)
        file_close(session->commits[i].model);
    file_close(session->committed);
    file_close(session->model);
    file_close(session->image);
    free(session);
}

static void act(struct session *session)
{
    uint64_t kind = random_below(&session->random, 10);

    if (kind < 5) {
        transaction(session, true);
    } else if (kind < 7) {
        transaction(session, false);
    } else if (kind < 9) {
        MUST(disk_reclaim(session->disk, &error));
        expect_same(session, session->disk, session->committed, "after reclaiming");
    } else if (!session->trace) {
        disk_close(session->disk);
        open_disk(session);
    }
}

static void each_seed(void (*run)(uint64_t seed), unsigned long long first, unsigned long long last)
{
    const char *seeds = getenv("VHDX_MODEL_SEEDS");

    if (seeds && sscanf(seeds, "%llu-%llu", &first, &last) != 2)
        cr_assert_fail("VHDX_MODEL_SEEDS is no range");
    for (; first <= last; first++)
        run(first);
}

#endif
