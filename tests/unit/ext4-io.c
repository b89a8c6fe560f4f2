/* The io_manager, over a disk in memory that remembers which way each byte came. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/checked.h"
#include "ext4/io.h"
#include "image-format/disk.h"

#define DISK_SIZE (64 * KIB)

/* What a byte of the disk went through last. */
enum path {
    UNTOUCHED,
    WRITTEN,
    WRITTEN_UNREFERENCED,
    ZEROED,
};

struct memory_disk {
    struct disk disk;
    uint8_t bytes[DISK_SIZE], paths[DISK_SIZE];
    bool broken; /* every operation fails */
};

static struct memory_disk memory;
static struct ext4_io io;
static io_channel channel;
static uint8_t buffer[DISK_SIZE];

static int fail_if_broken(struct error *error)
{
    return memory.broken ? error_set(error, ERROR_NO_SPACE, "the disk is broken") : 0;
}

static int memory_read(struct disk *disk, uint64_t offset, void *bytes, size_t size,
                       struct error *error)
{
    (void)disk;
    memcpy(bytes, memory.bytes + offset, size);
    return fail_if_broken(error);
}

static int memory_write(struct disk *disk, uint64_t offset, const void *bytes, size_t size,
                        struct error *error)
{
    (void)disk;
    memcpy(memory.bytes + offset, bytes, size);
    memset(memory.paths + offset, WRITTEN, size);
    return fail_if_broken(error);
}

static int memory_write_unreferenced(struct disk *disk, uint64_t offset, const void *bytes,
                                     size_t size, struct error *error)
{
    (void)disk;
    memcpy(memory.bytes + offset, bytes, size);
    memset(memory.paths + offset, WRITTEN_UNREFERENCED, size);
    return fail_if_broken(error);
}

static int memory_zero(struct disk *disk, uint64_t offset, uint64_t size, struct error *error)
{
    (void)disk;
    memset(memory.bytes + offset, 0, size);
    memset(memory.paths + offset, ZEROED, size);
    return fail_if_broken(error);
}

static const struct disk_operations memory_operations = {
    .read = memory_read,
    .write = memory_write,
    .write_unreferenced = memory_write_unreferenced,
    .zero = memory_zero,
    .zero_unreferenced = memory_zero,
};

static void open_channel(void)
{
    char name[EXT4_IO_NAME_SIZE];

    memory.disk = (struct disk){
        .operations = &memory_operations,
        .size = DISK_SIZE,
        .writable = true,
        .in_transaction = true,
    };
    io = (struct ext4_io){.disk = &memory.disk};
    ext4_io_name(&io, name);
    cr_assert_eq(ext4_io_manager.open(name, IO_FLAG_RW, &channel), 0);
    cr_assert_eq(io_channel_set_blksize(channel, 4096), 0);
    memset(buffer, 0xab, sizeof buffer);
}

static void close_channel(void)
{
    cr_assert_eq(io_channel_close(channel), 0);
}

TestSuite(ext4_io, .init = open_channel, .fini = close_channel);

/* True when exactly [start, end) took the path. */
static bool only_this_took(enum path path, uint64_t start, uint64_t end)
{
    for (uint64_t i = 0; i < DISK_SIZE; i++)
        if ((memory.paths[i] == path) != (i >= start && i < end))
            return false;
    return true;
}

Test(ext4_io, only_its_own_names_open)
{
    static const char *const names[] = {
        "",
        "/dev/sda",
        "ext4-io:",
        "ext4-io:1234",
        "ext4-io:0000000000000000",
        "ext4-io:00007fff0000000g",
        "ext4-io:00007FFF00000000",
        "ext4-io:00007fff00000000 ",
        "ext4-io: 0007fff00000000",
        "ext4-io:+0007fff00000000",
        "Ext4-io:00007fff00000000",
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        io_channel other = NULL;

        cr_assert_neq(ext4_io_manager.open(names[i], 0, &other), 0, "\"%s\" opened", names[i]);
        cr_assert_null(other);
    }
    cr_assert_neq(ext4_io_manager.open(NULL, 0, &channel), 0);
}

Test(ext4_io, counts_are_blocks_and_negative_ones_bytes)
{
    cr_assert_eq(io_channel_write_blk64(channel, 2, 3, buffer), 0);
    cr_assert(only_this_took(WRITTEN_UNREFERENCED, 2 * 4096, 5 * 4096));
    cr_assert_eq(io_channel_set_blksize(channel, 1024), 0);
    cr_assert_eq(io_channel_write_blk64(channel, 20, -10, buffer), 0);
    cr_assert(only_this_took(WRITTEN_UNREFERENCED, 2 * 4096, 20 * 1024 + 10));
    memset(buffer, 0, sizeof buffer);
    cr_assert_eq(io_channel_read_blk64(channel, 20, -11, buffer), 0);
    cr_assert_eq(buffer[9], 0xab);
    cr_assert_eq(buffer[10], 0);
    cr_assert_eq(buffer[11], 0);
}

Test(ext4_io, the_32_bit_calls_do_the_same)
{
    cr_assert_eq(io_channel_write_blk(channel, 1, 1, buffer), 0);
    memset(buffer, 0, sizeof buffer);
    cr_assert_eq(io_channel_read_blk(channel, 1, 1, buffer), 0);
    cr_assert_eq(buffer[4095], 0xab);
}

Test(ext4_io, bytes_can_be_written_anywhere)
{
    cr_assert_eq(io_channel_write_byte(channel, 1001, 7, buffer), 0);
    cr_assert(only_this_took(WRITTEN_UNREFERENCED, 1001, 1008));
    cr_assert_eq(io_channel_write_byte(channel, DISK_SIZE - 3, 4, buffer), EXT2_ET_SHORT_WRITE);
    cr_assert_eq(io_channel_write_byte(channel, 0, -4, buffer), EXT2_ET_SHORT_WRITE);
}

Test(ext4_io, what_the_committed_filesystem_owns_is_shadowed)
{
    io.committed_size = 16 * KIB;
    cr_assert_eq(io_channel_write_blk64(channel, 0, 1, buffer), 0);
    cr_assert_eq(io_channel_write_blk64(channel, 3, 1, buffer), 0);
    cr_assert_eq(io_channel_write_blk64(channel, 4, 2, buffer), 0);
    cr_assert_eq(memory.paths[0], WRITTEN);
    cr_assert_eq(memory.paths[16 * KIB - 1], WRITTEN);
    cr_assert(only_this_took(WRITTEN_UNREFERENCED, 16 * KIB, 24 * KIB));
}

Test(ext4_io, a_write_across_its_end_is_split)
{
    io.committed_size = 10 * KIB + 1;
    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = (uint8_t)(i * 7);
    cr_assert_eq(io_channel_write_blk64(channel, 2, 2, buffer), 0);
    cr_assert(only_this_took(WRITTEN, 8 * KIB, 10 * KIB + 1));
    cr_assert(only_this_took(WRITTEN_UNREFERENCED, 10 * KIB + 1, 16 * KIB));
    cr_assert_arr_eq(memory.bytes + 8 * KIB, buffer, 8 * KIB);
}

Test(ext4_io, ranges_beyond_the_disk_are_short)
{
    const unsigned long long last = DISK_SIZE / 4096 - 1;

    cr_assert_eq(io_channel_read_blk64(channel, last, 1, buffer), 0);
    cr_assert_eq(io_channel_read_blk64(channel, last, 2, buffer), EXT2_ET_SHORT_READ);
    cr_assert_eq(io_channel_read_blk64(channel, last + 1, -1, buffer), EXT2_ET_SHORT_READ);
    cr_assert_eq(io_channel_read_blk64(channel, UINT64_MAX, 1, buffer), EXT2_ET_SHORT_READ);
    cr_assert_eq(io_channel_read_blk64(channel, UINT64_MAX / 4096 + 1, 1, buffer),
                 EXT2_ET_SHORT_READ);
    cr_assert_eq(io_channel_read_blk64(channel, 0, INT32_MIN, buffer), EXT2_ET_SHORT_READ);
    cr_assert_eq(io_channel_write_blk64(channel, last, 2, buffer), EXT2_ET_SHORT_WRITE);
    cr_assert_eq(io_channel_zeroout(channel, last, 2), EXT2_ET_SHORT_WRITE);
    cr_assert_eq(io_channel_zeroout(channel, 0, UINT64_MAX), EXT2_ET_SHORT_WRITE);
    cr_assert(only_this_took(UNTOUCHED, 0, DISK_SIZE));
    cr_assert_eq(io.first_error.kind, ERROR_NONE, "the disk isn't to blame");
}

Test(ext4_io, zeroout_zeroes_and_discard_does_nothing)
{
    cr_assert_eq(io_channel_zeroout(channel, 1, 2), 0);
    cr_assert(only_this_took(ZEROED, 4096, 3 * 4096));
    cr_assert_eq(io_channel_discard(channel, 5, 1), EXT2_ET_UNIMPLEMENTED);
    cr_assert_eq(memory.paths[5 * 4096], UNTOUCHED);
}

Test(ext4_io, the_first_failure_of_the_disk_is_kept)
{
    struct error error;

    memory.broken = true;
    cr_assert_neq(io_channel_write_blk64(channel, 0, 1, buffer), 0);
    cr_assert_eq(io.first_error.kind, ERROR_NO_SPACE);
    strcpy(io.first_error.message, "first words");
    cr_assert_neq(io_channel_read_blk64(channel, 0, 1, buffer), 0);
    cr_assert_neq(io_channel_zeroout(channel, 0, 1), 0);
    cr_assert_eq(ext4_set_error(&error, &io, EXT2_ET_SHORT_READ, "can't read"), -1);
    cr_assert_eq(error.kind, ERROR_NO_SPACE);
    cr_assert_str_eq(error.message, "first words");
}

Test(ext4_io, other_failures_take_the_library_s_words)
{
    struct error error;

    cr_assert_eq(ext4_set_error(&error, &io, EXT2_ET_BAD_MAGIC, "can't open %s", "it"), -1);
    cr_assert_eq(error.kind, ERROR_CORRUPT);
    cr_assert_str_eq(error.message, "can't open it: Bad magic number in super-block");
    cr_assert_eq(ext4_set_error(&error, NULL, EXT2_ET_NO_MEMORY, "can't open"), -1);
    cr_assert_eq(error.kind, ERROR_SYSTEM);
}

Test(ext4_io, a_channel_lives_until_its_last_user_closes_it)
{
    io_channel_bumpcount(channel);
    cr_assert_eq(io_channel_close(channel), 0);
    cr_assert_eq(io_channel_read_blk64(channel, 0, 1, buffer), 0);
}

Test(ext4_io, a_disk_without_a_filesystem_does_not_open)
{
    char name[EXT4_IO_NAME_SIZE];
    ext2_filsys fs = NULL;

    ext4_io_name(&io, name);
    cr_assert_eq(ext2fs_open2(name, NULL, EXT2_FLAG_64BITS, 0, 0, &ext4_io_manager, &fs),
                 EXT2_ET_BAD_MAGIC);
    memory.disk.size = 1024;
    cr_assert_eq(ext2fs_open2(name, NULL, EXT2_FLAG_64BITS, 0, 0, &ext4_io_manager, &fs),
                 EXT2_ET_SHORT_READ);
    ext4_close(NULL);
}
