/*
 * For unit tests of one open VHDX: the image in memory, the disk that is open
 * on it, and what such tests do over and over. Each test file that includes
 * this has its own.
 */
#ifndef TESTS_SUPPORT_VHDX_FIXTURE_H
#define TESTS_SUPPORT_VHDX_FIXTURE_H

#include <criterion/criterion.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"
#include "image-format/vhdx/vhdx.h"
#include "tests/support/lent-file.h"
#include "tests/support/memory-file.h"

/* Where vhdx_create puts things, and the first block behind a BAT of 1 MiB. */
#define METADATA (2 * MIB)
#define BAT (3 * MIB)
#define FIRST_BLOCK (4 * MIB)

#define MUST(call) cr_assert_eq(call, 0, "%s", error.message)
#define MAYBE_UNUSED __attribute__((unused))

static struct error error;
static struct file *image;
static struct disk *disk;

static MAYBE_UNUSED void open_image(void)
{
    disk = image_open(lent_file_new(image), &error);
    cr_assert_not_null(disk, "%s", error.message);
}

static MAYBE_UNUSED void reopen(void)
{
    disk_close(disk);
    open_image();
}

/* An empty disk of size bytes, open. */
static MAYBE_UNUSED void make_image(uint64_t size, uint32_t block_size, uint32_t sector_size)
{
    struct vhdx_create_options options = {size, block_size, sector_size, 4096, {{1}}};

    image = memory_file_new(0);
    MUST(vhdx_create(image, &options, &error));
    open_image();
}

static MAYBE_UNUSED void drop_image(void)
{
    disk_close(disk);
    file_close(image);
}

static MAYBE_UNUSED uint64_t image_size(void)
{
    uint64_t size;

    MUST(file_get_size(image, &size, &error));
    return size;
}

static MAYBE_UNUSED int byte_at(uint64_t offset)
{
    uint8_t byte = 0;

    MUST(disk_read(disk, offset, &byte, 1, &error));
    return byte;
}

/* Puts an entry into the BAT behind the disk's back. */
static MAYBE_UNUSED void put_entry(uint64_t index, uint64_t entry)
{
    uint8_t bytes[8];

    put_le64(bytes, entry);
    MUST(file_write(image, BAT + 8 * index, bytes, sizeof bytes, &error));
}

#endif
