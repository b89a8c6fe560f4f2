/* An ext superblock that has outlived what it stood for, or that stands beside something else,
 * isn't taken for all that is on the disk. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "ext4/facts.h"
#include "tests/support/host.h"
#include "tests/support/make-filesystem.h"
#include "tests/support/plain-disk.h"

#define DISK_SIZE (64 * MIB)

static struct error error;

/* Bytes of the disk. */
struct bytes {
    uint64_t offset;
    const char *bytes;
    size_t size;
};
#define BYTES(offset, text)            \
    {                                  \
        offset, text, sizeof(text) - 1 \
    }

/* A partition of 32 MiB at 1 MiB. */
#define ENTRY(flag, type) flag "\0\2\0" type "\1\1\1\0\x08\0\0\0\0\1\0"
#define BOOT_SIGNATURE BYTES(510, "\x55\xaa")

static const struct beside {
    const char *what;
    struct bytes parts[3];
    bool ambiguous;
} besides[] = {
    {"nothing", {{0}}, false},
    {"a boot loader without entries", {BOOT_SIGNATURE, BYTES(0, "\xeb\x3c\x90 code")}, false},
    {"MBR", {BYTES(446, ENTRY("\x80", "\x83")), BOOT_SIGNATURE}, true},
    {"MBR, second entry", {BYTES(462, ENTRY("\0", "\x07")), BOOT_SIGNATURE}, true},
    {"MBR, last entry", {BYTES(494, ENTRY("\0", "\x07")), BOOT_SIGNATURE}, true},
    {"MBR, odd flag", {BYTES(446, ENTRY("\x17", "\x83")), BOOT_SIGNATURE}, true},
    {"entries without MBR", {BYTES(446, ENTRY("\x80", "\x83"))}, false},
    {"GPT header", {BYTES(512, "EFI PART\0\0\1\0")}, true},
    {"GPT header, large sectors", {BYTES(4096, "EFI PART\0\0\1\0")}, true},
    {"GPT copy", {BYTES(DISK_SIZE - 512, "EFI PART\0\0\1\0")}, true},
    {"GPT copy, large sectors", {BYTES(DISK_SIZE - 4096, "EFI PART\0\0\1\0")}, true},
    {"protective MBR", {BYTES(446, ENTRY("\0", "\xee")), BOOT_SIGNATURE}, true},
    {"LUKS", {BYTES(0, "LUKS\xba\xbe\0\1")}, true},
    {"LVM", {BYTES(512, "LABELONE\1\0\0\0\0\0\0\0\xb4\xd4\xce\xe4\x20\0\0\0LVM2 001")}, true},
    {"FAT",
     {BYTES(0, "\xeb\x3c\x90MSDOS5.0\0\2\4\1\0\2\0\2\0\0\xf8\x80\0\x3f\0\xff\0\0\0\0\0\0\0\2\0\0"
               "\x80\0\x29\1\2\3\4NO NAME    FAT16   "),
      BOOT_SIGNATURE},
     true},
    {"romfs", {BYTES(0, "-rom1fs-\0\0\1\0")}, true},
};

static void write_bytes(const char *path, const struct bytes *part)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    cr_assert_eq(pwrite(fd, part->bytes, part->size, (off_t)part->offset), (ssize_t)part->size);
    close(fd);
}

static void run(const char *command, const char *path)
{
    const char *const arguments[] = {"sh", "-c", command, path, NULL};
    char *output;
    int status;

    cr_assert_eq(host_run(arguments, &status, &output, &error), 0, "%s", error.message);
    cr_assert_eq(status, 0, "%s: %s", command, output);
    free(output);
}

static void read_contents(const char *path, struct disk_contents *ret_contents)
{
    struct disk *disk;

    cr_assert_eq(plain_disk_open(path, &disk, &error), 0, "%s", error.message);
    cr_assert_eq(disk_contents_read(disk, ret_contents, &error), 0, "%s", error.message);
    disk_close(disk);
}

static struct disk_contents contents;

static char *make(void)
{
    /* As large as the disk but for what a copy of GPT takes. */
    char *path = make_filesystem("-b 4096", DISK_SIZE - MIB, 0, &error);

    cr_assert_not_null(path, "%s", error.message);
    cr_assert_eq(truncate(path, (off_t)DISK_SIZE), 0);
    return path;
}

Test(ext4_contents, what_stands_beside_ext4_is_seen)
{
    for (size_t i = 0; i < sizeof besides / sizeof *besides; i++) {
        char *path = make();

        for (size_t j = 0; j < 3 && besides[i].parts[j].size > 0; j++)
            write_bytes(path, &besides[i].parts[j]);
        read_contents(path, &contents);
        cr_expect_eq(contents.ambiguous, besides[i].ambiguous, "%s: %s", besides[i].what,
                     contents.filesystem.type);
        filesystem_remove(path);
    }
}

/* A new table, or filesystem, on a disk whose ext4 superblock is written back, as if its maker had
 * left it there. */
static const char *const makers[] = {
    "echo 1M,32M,L | sfdisk -q --label dos \"$0\"",
    "echo 1M,32M,L | sfdisk -q --label gpt \"$0\"",
};

Test(ext4_contents, a_stale_ext4_superblock_under_other_contents)
{
    setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        char *path = make(), super[1024];
        int fd = open(path, O_RDWR | O_CLOEXEC);

        cr_assert_geq(fd, 0);
        cr_assert_eq(pread(fd, super, sizeof super, 1024), (ssize_t)sizeof super);
        run(makers[i], path);
        cr_assert_eq(pwrite(fd, super, sizeof super, 1024), (ssize_t)sizeof super);
        close(fd);
        read_contents(path, &contents);
        cr_expect(contents.ambiguous, "%s: %s", makers[i], contents.filesystem.type);
        filesystem_remove(path);
    }
}

Test(ext4_contents, no_ext4_is_not_ambiguous)
{
    char *path = make(), zeros[1024] = {0};

    write_bytes(path, &(struct bytes){1024, zeros, sizeof zeros});
    run("echo 1M,32M,L | sfdisk -q --label dos --wipe always \"$0\"", path);
    read_contents(path, &contents);
    cr_expect_not(contents.ambiguous);
    cr_expect_str_eq(contents.partition_table, "mbr");
    filesystem_remove(path);
}
