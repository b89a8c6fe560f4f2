/* What must not move, and what contradicts itself: found before anything is written. */
#include "base/bytes.h"
#include "tests/support/renumber-fixture.h"

/* Expects the check, and the whole, to fail with the kind and a sentence that has the words in it,
 * and the disk to be as before. */
static void expect_refused(const char *path, const struct resize_inode_move *list, size_t count,
                           enum error_kind kind, const char *words)
{
    struct digest before, after;
    struct opened opened;

    open_filesystem(path, &opened);
    cr_assert_eq(judge_contents(opened.disk, &before, &error), 0);
    error = (struct error){0};
    cr_expect_eq(resize_renumber_check(&opened.ext4, list, count, NULL, &error), -1, "%s", words);
    cr_expect_eq(error.kind, kind, "%s", error.message);
    cr_expect(strstr(error.message, words), "\"%s\" isn't \"%s\"", error.message, words);
    cr_expect_eq(resize_renumber(&opened.ext4, list, count, &error), -1, "%s", words);
    cr_assert_eq(judge_contents(opened.disk, &after, &error), 0);
    cr_expect(digest_equal(before, after), "something was written: %s", words);
    close_filesystem(&opened);
}

static void expect_one_refused(const char *path, uint32_t from, uint32_t to, enum error_kind kind,
                               const char *words)
{
    expect_refused(path, &(struct resize_inode_move){from, to}, 1, kind, words);
}

static char *make(const char *options)
{
    char *path = make_filesystem(options, 16 * MIB, 1, &error);

    cr_assert_not_null(path, "%s: %s", options, error.message);
    return path;
}

static uint32_t look_up(const char *path, const char *name)
{
    struct opened opened;
    ext2_ino_t number;

    open_filesystem(path, &opened);
    cr_assert_eq(ext2fs_namei(opened.ext4.fs, EXT2_ROOT_INO, EXT2_ROOT_INO, name, &number), 0);
    close_filesystem(&opened);
    return number;
}

static void debug(const char *path, const char *command)
{
    cr_assert_eq(host_run((const char *[]){"debugfs", "-w", "-R", command, path, NULL}, &(int){0},
                          NULL, &error),
                 0);
}

/* Plain without checksums, so that debugfs's own way with them plays no part. */
#define PLAIN "-b 1024 -N 2000 -O ^metadata_csum,uninit_bg"

Test(resize_renumber_refusals, moves_that_are_none)
{
    char *path = make(PLAIN);
    uint32_t file = look_up(path, "/tree0/file3"), other = look_up(path, "/tree0/file4");
    struct resize_inode_move twice[] = {{file, 1500}, {other, 1500}};
    struct resize_inode_move unsorted[] = {{other, 1500}, {file, 1501}};
    struct resize_inode_move chained[] = {{file, other}, {other, 1500}};

    expect_one_refused(path, 8, 1500, ERROR_REFUSED, "can't become");
    expect_one_refused(path, 2, 1500, ERROR_REFUSED, "can't become");
    expect_one_refused(path, file, 5, ERROR_REFUSED, "can't become");
    expect_one_refused(path, file, 0, ERROR_REFUSED, "can't become");
    expect_one_refused(path, file, 1000000, ERROR_REFUSED, "can't become");
    expect_one_refused(path, 1400, 1500, ERROR_REFUSED, "isn't in use");
    expect_one_refused(path, file, other, ERROR_CORRUPT, "is in use");
    expect_refused(path, twice, 2, ERROR_REFUSED, "can't become");
    expect_refused(path, unsorted, 2, ERROR_REFUSED, "can't become");
    expect_refused(path, chained, 2, ERROR_REFUSED, "can't become");
    filesystem_remove(path);
}

/* Made with tune2fs -j on a mounted filesystem, the journal is a file like others. */
Test(resize_renumber_refusals, journals)
{
    char *path = make(PLAIN), command[64];
    uint32_t number = look_up(path, "/tree0/file7");

    snprintf(command, sizeof command, "copy_inode <8> <%u>", number);
    debug(path, command);
    snprintf(command, sizeof command, "ssv journal_inum %u", number);
    debug(path, command);
    expect_one_refused(path, number, 1500, ERROR_REFUSED, "can't become");
    filesystem_remove(path);
}

Test(resize_renumber_refusals, stable_inodes)
{
    char *path = make(PLAIN);

    debug(path, "feature stable_inodes");
    expect_one_refused(path, look_up(path, "/tree0/file3"), 1500, ERROR_REFUSED, "stable_inodes");
    filesystem_remove(path);
}

/* Changes a byte of each attribute with the name, wherever such an entry is on the disk. */
static void patch_attribute(const char *path, const char *name, size_t offset, uint8_t old,
                            uint8_t value)
{
    struct disk *disk;
    size_t size = strlen(name);
    unsigned count = 0;
    uint8_t *bytes;

    cr_assert_eq(plain_disk_open(path, &disk, &error), 0);
    bytes = must_allocate(disk->size);
    cr_assert_eq(disk_read(disk, 0, bytes, disk->size, &error), 0);
    for (size_t i = 16; i + size <= disk->size; i += 4)
        if (memcmp(bytes + i, name, size) == 0 && bytes[i - 16] == size &&
            bytes[i - 16 + offset] == old) {
            bytes[i - 16 + offset] = value;
            count++;
        }
    cr_assert_gt(count, 0, "no attribute %s", name);
    cr_assert_eq(disk_begin(disk, &error), 0);
    cr_assert_eq(disk_write(disk, 0, bytes, disk->size, &error), 0);
    cr_assert_eq(disk_commit(disk, &error), 0);
    free(bytes);
    disk_close(disk);
}

/* A file with an encryption context whose flags are as given, version 2. The attribute's name is
 * as long as the real one only after the patch. */
static void expect_policy(unsigned version, unsigned flags, const char *words)
{
    char *path = make(PLAIN), command[256];
    uint32_t number = look_up(path, "/tree0/file3");

    snprintf(command, sizeof command,
             "printf '\\%03o\\001\\004\\%03o0123456789012345678901234567890123456' >\"$1.value\";"
             "debugfs -w -R \"ea_set -f $1.value /tree0/file3 user.c\" \"$1\"; rm \"$1.value\"",
             version, flags);
    free(run_script(command, path));
    patch_attribute(path, "c", 1, 1, 9);
    if (words)
        expect_one_refused(path, number, 1500, ERROR_REFUSED, words);
    else
        renumber(path, (struct moves){&(struct resize_inode_move){number, 1500}, 1});
    filesystem_remove(path);
}

Test(resize_renumber_refusals, encryption_by_inode_number)
{
    expect_policy(2, 0x08 | 0x03, "its number is part of");
    expect_policy(2, 0x10, "its number is part of");
    expect_policy(7, 0, "unknown here");
    expect_policy(2, 0x03, NULL);
    expect_policy(1, 0x03, NULL);
}

/* An encrypted file that doesn't say by what policy. */
Test(resize_renumber_refusals, encryption_without_a_policy)
{
    char *path = make(PLAIN);

    debug(path, "set_inode_field /tree0/file0 flags 0x80800");
    expect_one_refused(path, look_up(path, "/tree0/file0"), 1500, ERROR_CORRUPT, "encrypted");
    filesystem_remove(path);
}

/* Signed with its number; the portable kind isn't. */
Test(resize_renumber_refusals, signed_inodes)
{
    char *path = make(PLAIN);
    uint32_t number = look_up(path, "/tree0/file3");

    free(run_script("printf '\\002xxxxxxxxxxxxxxxxxxxx' >\"$1.value\"; debugfs -w -R \"ea_set -f "
                    "$1.value /tree0/file3 security.evm\" \"$1\"; rm \"$1.value\"",
                    path));
    expect_one_refused(path, number, 1500, ERROR_REFUSED, "security.evm");
    free(run_script("printf '\\005xxxxxxxxxxxxxxxxxxxx' >\"$1.value\"; debugfs -w -R \"ea_set -f "
                    "$1.value /tree0/file3 security.evm\" \"$1\"; rm \"$1.value\"",
                    path));
    renumber(path, (struct moves){&(struct resize_inode_move){number, 1500}, 1});
    expect_clean(path, "portable");
    filesystem_remove(path);
}

/* One name too many or too few: some other name could have been missed. */
Test(resize_renumber_refusals, wrong_counts_of_links)
{
    char *path = make(PLAIN);
    uint32_t number = look_up(path, "/tree0/file3");

    debug(path, "set_inode_field /tree0/file3 links_count 2");
    expect_one_refused(path, number, 1500, ERROR_CORRUPT, "names in directories");
    debug(path, "set_inode_field /tree0/file3 links_count 0");
    expect_one_refused(path, number, 1500, ERROR_CORRUPT, "no links");
    debug(path, "set_inode_field /tree0/file3 links_count 1");
    debug(path, "ln <12> /again");
    expect_one_refused(path, 12, 1500, ERROR_CORRUPT, "names in directories");
    filesystem_remove(path);
}

/* A name of a free inode would become one of the inode that moves there. */
Test(resize_renumber_refusals, names_of_free_inodes)
{
    char *path = make(PLAIN);
    uint32_t number = look_up(path, "/tree0/file3");

    debug(path, "ln <1500> /tree0/dangling");
    expect_one_refused(path, number, 1500, ERROR_CORRUPT, "mentions inode 1500");
    renumber(path, (struct moves){&(struct resize_inode_move){number, 1501}, 1});
    filesystem_remove(path);
}

/* What has links is in use for e2fsck, whatever its bitmap says. */
Test(resize_renumber_refusals, free_slot_with_links)
{
    char *path = make("-b 1024 -N 2000 -O ^metadata_csum,^uninit_bg");

    debug(path, "set_inode_field <1500> links_count 1");
    expect_one_refused(path, look_up(path, "/tree0/file3"), 1500, ERROR_CORRUPT, "has links");
    filesystem_remove(path);
}

/* Each checksum is looked at. */
Test(resize_renumber_refusals, wrong_checksums)
{
    static const struct {
        const char *script, *words;
    } damages[] = {
        {"block=$(debugfs -R 'bmap /tree0 0' \"$1\" 2>/dev/null); at=$((block * 1024 + 1020))",
         "wrong checksum"},
        {"block=$(debugfs -R 'bmap /tree0/many 0' \"$1\" 2>/dev/null); at=$((block * 1024 + 1020))",
         "wrong checksum"},
        {"block=$(debugfs -R 'bmap /tree0/many 1' \"$1\" 2>/dev/null); at=$((block * 1024 + 1020))",
         "wrong checksum"},
        {"at=$(debugfs -R 'imap /tree0/file1' \"$1\" 2>/dev/null | sed -n 's/.*block \\([0-9]*\\),"
         " offset \\(.*\\)/$((\\1 * 1024 + \\2 + 124))/p'); eval \"at=$at\"",
         "wrong checksum"},
    };

    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        char *path = make("-b 1024 -N 2000"), script[600];
        uint32_t number = look_up(path, "/tree0/file3");

        free(run_script("e2fsck -fyD \"$1\" || test $? = 1", path));
        expect_clean(path, "before");
        snprintf(script, sizeof script,
                 "set -eu; %s; byte=$(od -An -tu1 -j$at -N1 \"$1\"); printf \"\\\\$(printf %%o "
                 "$((byte ^ 16)))\" | dd of=\"$1\" bs=1 seek=$at conv=notrunc status=none",
                 damages[i].script);
        free(run_script(script, path));
        expect_one_refused(path, number, 1500, ERROR_CORRUPT, damages[i].words);
        filesystem_remove(path);
    }
}
